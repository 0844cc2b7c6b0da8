import type { Message } from '@p2poolv2/runtime'
import type { Sheet } from '../style.ts'
import { sentenceWidth, textTable, wrapped } from '../text-table.ts'

export function messageView({ id, level, says, cause, cost, fix }: Message, sheet: Sheet): string[] {
  const { style } = sheet
  const width = sentenceWidth(sheet)
  const part = (title: string, text: string): string[] => [
    style.bold(title),
    ...wrapped(text, width - 2).map(line => `  ${line}`)
  ]
  const look = level === 'error' ? style.bad : style.warn
  return [
    `${look(level === 'error' ? 'ERROR' : 'WARN')} ${style.bold(id)}`,
    ...wrapped(says, width),
    '',
    ...part('Cause', cause),
    ...part('Cost', cost),
    ...part('Fix', fix)
  ]
}

export function messagesView(messages: readonly Message[], sheet: Sheet): string[] {
  const { style } = sheet
  return textTable(
    [{ title: 'id' }, { title: 'level' }, { title: 'says', cut: 'end' }],
    messages.map(({ id, level, says }) => [
      id,
      { text: level, look: level === 'error' ? style.bad : style.warn },
      says
    ]),
    sheet
  )
}
