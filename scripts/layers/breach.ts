/** One place where the tree breaks a rule of the house. */
export interface Breach {
  readonly path: string
  /** 1 is the first line; 0 if the file as a whole is meant, or is missing. */
  readonly line: number
  readonly rule: Rule
  /** What is wrong and what to do, in one line. */
  readonly message: string
}

/** A rule's permanent name. */
export type Rule =
  | 'brand-cast'
  | 'empty-name'
  | 'export-for-nobody'
  | 'file-cycle'
  | 'file-too-long'
  | 'impure'
  | 'import-into-src'
  | 'import-leaves-package'
  | 'import-leaves-room'
  | 'import-not-in-table'
  | 'import-of-tests'
  | 'import-own-index'
  | 'import-undeclared'
  | 'import-unknown'
  | 'index-does-more'
  | 'index-missing'
  | 'package-not-in-table'
  | 'project-not-built'
  | 'readme-missing'
  | 'readme-too-long'
