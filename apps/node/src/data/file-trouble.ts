const FILE_REASONS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not use it; if another user, such as root, started the node before, give it back with chown',
  EPERM: 'this user may not use it; if another user, such as root, started the node before, give it back with chown',
  EROFS: 'its file system is read-only',
  ENOENT: 'it is not there, or the folder it belongs in is not',
  EEXIST: 'there is one already, which is left as it is; name another',
  ENOTDIR: 'a part of that path is a file',
  EISDIR: 'it is a folder',
  ENOSPC: 'the disk is full',
  EDQUOT: "this user's share of the disk is used up",
  EMFILE: 'too many files are open; raise the limit (ulimit -n)',
  EIO: 'the disk fails to read or write it'
}

/** Why the system refuses a file, for a person. */
export function fileReason(error: Error): string {
  return FILE_REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? error.message
}

/** What the system's refusal of a file means to a person; null for an error that is not one. */
export function fileTrouble(error: unknown): string | null {
  if (!(error instanceof Error) || !('path' in error) || typeof error.path !== 'string') return null
  return `${error.path} cannot be used: ${fileReason(error)}`
}
