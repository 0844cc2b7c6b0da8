// `node --import tsx scripts/check-papers.ts [root]`: whatever the texts of this repository refer to is there to be read.
import { fileURLToPath } from 'node:url'
import { checkTexts } from './papers/check-texts.ts'
import { readTexts } from './papers/texts.ts'

const root = process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url))
const texts = readTexts(root)
const complaints = checkTexts(texts)
for (const { path, line, message } of complaints) console.log(`${path}:${line}  ${message}`)
console.log(`${texts.size} files, ${complaints.length} references that lead nowhere`)
process.exitCode = complaints.length === 0 ? 0 : 1
