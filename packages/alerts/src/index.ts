export { ALERT_RULES, type Alert, type AlertRule, RULE_MEANINGS } from './alert.ts'
export { AlertWatch, MAX_STANDING, NOTHING_STANDS, type Standing } from './alert-watch.ts'
export { parseQuietRange, QuietHours } from './quiet-hours.ts'
export type { BlockSight, Sight } from './sight.ts'
