// A program that breaks while it has the full screen. Run on a terminal by the test of it.
import { FullScreen } from '../cli/watch/full-screen.ts'

const screen = new FullScreen(process.stdout, process.stdin, () => {})
screen.draw(['drawn'])
setTimeout(() => {
  throw new Error('broken on purpose')
}, 10)
