#!/usr/bin/env node
// The entrance of every npm script: `node scripts/run.mjs <command>`. It needs nothing installed but Node.js and npm.
// This file has to parse on an old Node.js, so that the version check below can speak; the rest is loaded after it.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
const recentEnough = major > 20 || (major === 20 && minor >= 19)

if (recentEnough) {
  // A rejection is a bug of ours: Node.js prints it and exits with 1.
  void import('./run/commands.mjs').then(commands => commands.main(process.argv.slice(2)))
} else {
  process.stderr.write(
    `p2poolv2: this is Node.js ${process.versions.node}, and 20.19 or newer is needed.\n` +
      'p2poolv2: install Node.js 24 from https://nodejs.org/en/download (or: nvm install 24) and run this again.\n'
  )
  process.exitCode = 1
}
