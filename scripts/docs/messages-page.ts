import { MESSAGE_GROUPS, MESSAGE_LIST } from '../../packages/runtime/src/index.ts'
import { code, type Page, pageText } from './page.ts'

/** Every warning and error of the log. */
export function messagesPage(): Page {
  return {
    path: 'docs/messages.md',
    text: pageText({
      title: 'Messages',
      source: 'packages/runtime/src/messages',
      parts: [
        PREFACE,
        ...Object.entries(MESSAGE_GROUPS).flatMap(([digits, title]) => [
          `## ${title}`,
          ...MESSAGE_LIST.filter(({ id }) => id.startsWith(`P2P-${digits}`)).map(
            ({ id, level, says, cause, cost, fix }) =>
              [
                `### ${id}`,
                '',
                `${level === 'error' ? 'ERROR' : 'WARN'} ${code(says)}`,
                '',
                `- **Cause.** ${cause}`,
                `- **Cost.** ${cost}`,
                `- **Fix.** ${fix}`
              ].join('\n')
          )
        ])
      ]
    })
  }
}

const PREFACE = `Every warning and error in the log has an id, as in \`WARN P2P-0101\` on a terminal and \`"id":"P2P-0101"\` in JSON. \`./p2poolv2
explain P2P-0101\` says the same as this page, without a network. An id keeps its meaning for ever.`
