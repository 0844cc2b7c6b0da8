import { z } from 'zod'
import { NoAnswer } from '../answering.ts'
import { complaint } from '../complaint.ts'

/** What one request may list at most, as in the reference. */
export const MAX_LISTED = 100

/** In a query everything is text. */
export const wholeNumber = z.coerce.number().int().min(0).max(0xffff_ffff)
export const flag = z
  .enum(['true', 'false', '1', '0', ''])
  .default('false')
  .transform(text => text === 'true' || text === '1')

/** @throws NoAnswer with what is wrong */
export function asked<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value ?? {})
  if (!parsed.success) throw new NoAnswer(400, complaint(parsed.error, schema))
  return parsed.data
}
