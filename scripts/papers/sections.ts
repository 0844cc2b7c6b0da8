/** The pages that the code cites by section: "protocol §12.3", "stratum §2.9", "sv2 §2.4". */
export const PAPERS = ['protocol', 'stratum', 'sv2'] as const

export type Paper = (typeof PAPERS)[number]

export const paperPath = (paper: Paper): string => `docs/${paper === 'sv2' ? 'stratum-v2' : paper}.md`

/** Number of a section, `12` or `12.3`, to the numbers of the list items in it: `3`, or `2d` for a part of one. */
export type Sections = ReadonlyMap<string, ReadonlySet<string>>

/** The sections of a page. Items of a section belong to the section it is part of as well. */
export function sectionsOf(page: string): Sections {
  const sections = new Map<string, Set<string>>()
  let open: Set<string>[] = []
  for (const line of page.split('\n')) {
    const number = /^#{2,4} (\d+(?:\.\d+)?)\.? /.exec(line)?.[1]
    const item = /^\s*(?:- )?(\d+[a-z]?)\. /.exec(line)?.[1]
    if (number !== undefined) {
      sections.set(number, new Set())
      open = [number, number.split('.')[0] ?? number].flatMap(name => sections.get(name) ?? [])
    } else if (item !== undefined) for (const items of open) items.add(item)
  }
  return sections
}
