import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Redaction } from './redact.ts'
import { tarOf } from './tar.ts'

const FILES = [
  { name: 'a/empty.txt', text: '' },
  { name: 'a/block.txt', text: 'x'.repeat(512) },
  { name: 'a/words.txt', text: 'größer\n'.repeat(100) }
]

it.runIf(existsSync('/bin/tar') || existsSync('/usr/bin/tar'))('an archive is read by tar', () => {
  const folder = mkdtempSync(join(tmpdir(), 'p2poolv2-tar-'))
  try {
    writeFileSync(join(folder, 'x.tar'), tarOf(FILES, 1_700_000_000))
    execFileSync('tar', ['xf', 'x.tar'], { cwd: folder })
    for (const { name, text } of FILES) expect(readFileSync(join(folder, name), 'utf8')).toBe(text)
    expect(
      execFileSync('tar', ['tvf', 'x.tar'], {
        cwd: folder,
        encoding: 'utf8',
        env: { TZ: 'UTC', PATH: process.env['PATH'] ?? '' }
      })
    ).toContain('2023-11-14')
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it('an archive has whole blocks and takes no name that would be cut', () => {
  expect(tarOf(FILES, 0).length % 512).toBe(0)
  expect(() => tarOf([{ name: 'x'.repeat(100), text: '' }], 0)).toThrow()
})

it.each([
  ['bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4', 'address-1'],
  ['BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4', 'address-1'],
  ['1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2.rig', 'address-1.rig'],
  ['2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc', 'address-1'],
  ['rp2pool1ppyex7a3vzz8jjsqhr8snrhnv4l4rzyv5x258hvj7kg222ycu59wq6nlwdx', 'address-1'],
  ['/ip4/192.0.2.7/tcp/6884', '/ip4/ip-1/tcp/6884'],
  ['/dns4/home.example.org/tcp/6884', '/dns4/host-1/tcp/6884'],
  ['/ip6/2001:db8::1/tcp/6884', '/ip6/ip-1/tcp/6884'],
  ['12D3KooWGRUVh8t4dXqZ8QJX7bXSCyGmNzuUq1vgBbUe3nSh1wJ8', 'peer-1'],
  ['--join p2joindevnet1q9nqq38kvm3zvqpypqq3ygzkw0ah02jmvyapdqrjv2lyeefdgkgalyelkkqh38h6nl59xd89u', '--join invite-1'],
  [`/onion3/${'a2'.repeat(28)}:6884 and ${'b3'.repeat(28)}.onion`, '/onion3/onion-1:6884 and onion-2'],
  ['"http://ann-server.lan:8332/" tcp://nas:28332', '"http://host-1:8332/" tcp://host-2:28332'],
  ['http://localhost:8332 http://127.0.0.1:8332', 'http://localhost:8332 http://127.0.0.1:8332'],
  ['/home/ann/.bitcoin of ann-laptop', '~/.bitcoin of this-computer'],
  ['127.0.0.1 and 0.0.0.0 and ::1', '127.0.0.1 and 0.0.0.0 and ::1'],
  ['"time":"2026-11-29T06:30:25.168Z","height":12', '"time":"2026-11-29T06:30:25.168Z","height":12'],
  ['ab'.repeat(32), 'ab'.repeat(32)]
])('of %s a helper sees %s', (text, seen) => {
  const redaction = new Redaction([
    ['/home/ann', '~'],
    ['ann-laptop', 'this-computer']
  ])
  expect(redaction.apply(text)).toBe(seen)
})

it('replaces names that are given where they stand as words, the longest first', () => {
  const redaction = new Redaction([], ['Mary', "Mary's kitchen (2)", 'a', 'built-in-1', 'bob@example.org', '.*'])
  const text = `{"name":"Mary's kitchen (2)"} Mary, Maryland, built-in-1, a b, worker="bob@example.org" .* c {"Mary":"Mary",\\"Mary\\":1}`
  expect(redaction.apply(text)).toBe(
    '{"name":"name-1"} name-2, Maryland, built-in-1, a b, worker="name-3" .* c {"Mary":"name-2",\\"Mary\\":1}'
  )
})

it('gives one name to one address throughout', () => {
  const redaction = new Redaction([])
  expect(redaction.apply('10.0.0.1 10.0.0.2 10.0.0.1')).toBe('ip-1 ip-2 ip-1')
  expect(redaction.apply('10.0.0.2')).toBe('ip-2')
  expect([...redaction.counts]).toEqual([['ip', 2]])
})
