export { type ErrorJson, type Status, type StatusJson, statusSchema } from './status.ts'
