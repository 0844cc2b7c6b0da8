import { z } from 'zod'

/** From the first to the second with the chance the field says, the rest shared evenly between below and above. */
export const band = z.object({
  low: z.number().describe('Lower end.'),
  high: z.number().describe('Upper end.')
})

/** A wait whose length is chance: how long on average, and how far single waits spread around it. */
export const wait = z.object({
  meanSec: z.number().describe('On average, in seconds.'),
  band50Sec: band.describe('Half of all waits are within it, in seconds.'),
  band90Sec: band.describe('Nine of ten waits are within it, in seconds.')
})

/** The same, and where its mean lies for what the hash rates are not known better. */
export const expectedWait = wait.extend({
  mean90Sec: band
    .nullable()
    .describe(
      'Where the mean lies with nine chances of ten, for what the hash rates are not known better; null: unbounded.'
    )
})

/** A value that follows from a measured hash rate. */
export const carried = z.object({
  value: z.number().describe('At the rate that was measured.'),
  interval90: band
    .nullable()
    .describe(
      'Where it lies with nine chances of ten, for what the rate is not known better; null while nothing bounds it.'
    )
})

/** A hash rate read off what was found, and how well that tells it. */
export const measuredHashrate = z.object({
  hashrate: z.number().describe('Hashes a second: the work found divided by the time.'),
  interval90: z
    .object({
      low: z.number().describe('Hashes a second.'),
      high: z.number().nullable().describe('Hashes a second; null while nothing was found, for then nothing bounds it.')
    })
    .describe('Nine of ten such intervals hold the true rate.'),
  windowSec: z.number().describe('The time it was measured over, in seconds.'),
  effectiveFinds: z.number().describe('How many finds of equal difficulty would say as much.')
})

/** Hashes a second over fading windows: a minute, five minutes, an hour, a day. */
export const hashrates = z.object({
  m1: z.number().describe('Over about a minute.'),
  m5: z.number().describe('Over about five minutes.'),
  h1: z.number().describe('Over about an hour.'),
  d1: z.number().describe('Over about a day.')
})
