import { readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { extname, join, relative, sep } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** Files of the page at most: what is served is fixed when the node starts, so no path of a request reaches the disk. */
const MAX_FILES = 500

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
  '.map': 'application/json'
}

/** The best first. */
const PACKED = [
  { encoding: 'br', suffix: '.br' },
  { encoding: 'gzip', suffix: '.gz' }
] as const

/** Nothing from elsewhere, no script that is not a file of ours, and no other page around it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'"
].join('; ')

/** What a build tool names by its content: `index-BkQ3x9aZ.js`. Such a file never changes. */
const HASHED = /-[\w-]{8,}\.\w+$/

interface PageFile {
  readonly path: string
  readonly type: string
  readonly cacheControl: string
  /** Encodings there is a file of, the best first. */
  readonly packed: readonly (typeof PACKED)[number][]
}

/**
 * Serves the files of a built page, `index.html` at `/` as well; packed copies that lie beside a file go to whoever takes them.
 * @returns false if there is no page in the directory
 */
export function pageFiles(server: FastifyInstance, directory: string): boolean {
  const files = filesIn(directory)
  const index = files.get('/index.html')
  if (index === undefined) return false
  for (const [url, file] of [...files, ['/', index] as const, ['/dashboard', index] as const]) {
    server.get(url, { config: { access: 'open' } }, (request, reply) => send(file, request, reply))
  }
  return true
}

async function send(file: PageFile, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const accepted = acceptedEncodings(request.headers['accept-encoding'])
  const packing = file.packed.find(({ encoding }) => accepted.has(encoding))
  const path = file.path + (packing?.suffix ?? '')
  const { size, mtimeMs } = statSync(path)
  const etag = `"${size.toString(36)}-${Math.floor(mtimeMs).toString(36)}${packing === undefined ? '' : `-${packing.encoding}`}"`
  void reply.headers({ etag, 'cache-control': file.cacheControl, vary: 'accept-encoding' })
  if (file.type.startsWith('text/html')) void reply.header('content-security-policy', POLICY)
  if (isKnown(request.headers['if-none-match'], etag)) return reply.code(304).send()
  if (packing !== undefined) void reply.header('content-encoding', packing.encoding)
  return reply.type(file.type).send(await readFile(path))
}

/** Those somebody names and does not refuse. */
function acceptedEncodings(header: string | string[] | undefined): ReadonlySet<string> {
  const names = String(header ?? '')
    .split(',')
    .map(part => part.trim().toLowerCase())
    .filter(part => !/;\s*q=0(\.0*)?$/.test(part))
  return new Set(names.map(part => part.split(';')[0] ?? ''))
}

function isKnown(header: string | undefined, etag: string): boolean {
  return header?.split(',').some(known => known.trim().replace(/^W\//, '') === etag) === true
}

/** By the path of their URL. Kinds that are not known are left out. */
function filesIn(directory: string): Map<string, PageFile> {
  const names = new Set(listed(directory))
  const files = new Map<string, PageFile>()
  for (const name of names) {
    const type = TYPES[extname(name)]
    if (type === undefined) continue
    files.set(`/${name}`, {
      path: join(directory, name),
      type,
      cacheControl: HASHED.test(name) ? 'public, max-age=31536000, immutable' : 'no-cache',
      packed: PACKED.filter(({ suffix }) => names.has(name + suffix))
    })
  }
  return files
}

/** Names relative to the directory, with slashes; none if it is not there. */
function listed(directory: string): string[] {
  try {
    return readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter(entry => entry.isFile())
      .map(entry => relative(directory, join(entry.parentPath, entry.name)).split(sep).join('/'))
      .slice(0, MAX_FILES)
  } catch {
    return []
  }
}
