export { type ErrorJson, errorSchema, type Status, type StatusJson, statusSchema } from './status.ts'
