/** Of a text in a log line. */
const MAX_FIELD_LENGTH = 300

/** Text from outside, fit for a terminal: printable ASCII, cut. */
export function printable(text: string): string {
  return text.slice(0, MAX_FIELD_LENGTH).replace(/[^\x20-\x7e]/g, '?')
}
