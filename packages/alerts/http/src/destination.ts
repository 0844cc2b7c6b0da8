import type { Alert, AlertRule } from '@p2poolv2/alerts'

/** Where alerts go. Whoever knows the address of either may post there, so it is never shown or logged whole. */
export type Destination =
  | { readonly type: 'webhook'; readonly url: string }
  | { readonly type: 'ntfy'; readonly url: string; readonly token: string | null }

/** What of the node stands in each message. */
export interface Sender {
  readonly chain: string
  readonly version: string
}

export interface Posting {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The request that tells one alert to a destination. */
export function postingOf(destination: Destination, alert: Alert, sender: Sender): Posting {
  return destination.type === 'webhook' ? webhookPosting(alert, sender) : ntfyPosting(destination, alert, sender)
}

/** `text` is what Slack and Mattermost show, `content` what Discord does, which would call whomever it names. */
function webhookPosting({ rule, state, title, text, atSec }: Alert, { chain, version }: Sender): Posting {
  const sentence = `${title}: ${text}`
  const body = {
    rule,
    state,
    title,
    message: text,
    time: atSec,
    chain,
    version,
    text: sentence,
    content: sentence,
    allowed_mentions: { parse: [] }
  }
  return { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

/** As ntfy's publishing by headers takes it: the title and tags there, the message as body. */
function ntfyPosting(
  { token }: Extract<Destination, { type: 'ntfy' }>,
  { rule, state, title, text }: Alert,
  { chain }: Sender
): Posting {
  const isBad = state === 'raised' || rule === 'block-lost'
  return {
    headers: {
      'content-type': 'text/plain; charset=utf-8',
      title: `${title} (${chain})`,
      priority: isBad ? 'high' : 'default',
      tags: TAGS[rule] ?? (isBad ? 'warning' : 'white_check_mark'),
      ...(token === null ? {} : { authorization: `Bearer ${token}` })
    },
    body: text
  }
}

const TAGS: Partial<Record<AlertRule | 'test' | 'summary', string>> = {
  'block-found': 'tada',
  'payout-matured': 'moneybag',
  test: 'wave',
  summary: 'sunrise'
}
