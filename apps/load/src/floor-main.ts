/** The program of the server that judges nothing: says its port and serves until it is ended. */
import { FloorServer } from './floor.ts'

const port = await new FloorServer().listen()
process.send?.(port)
process.on('disconnect', () => process.exit())
