import type { SessionSettings, StartProfile } from '../contract.ts'

/**
 * How far below its door's start difficulty a miner may come: what is rented by the petahash may well be a terahash for a while, and no
 * less. Without it a proxy that waits for a buyer would be taken for a microcontroller.
 */
const MAX_FALL = 1_000

/**
 * Nobody who comes in by a door starts below its start difficulty, whatever his kind.
 * @param least undefined where the door has none
 */
export function settingsOfDoor(settings: SessionSettings, least: number | undefined): SessionSettings {
  if (least === undefined) return settings
  const floor = least / MAX_FALL
  const anybody: StartProfile = { userAgentPrefix: '', startDifficulty: least, floorDifficulty: floor }
  return {
    ...settings,
    vardiff: { ...settings.vardiff, startDifficulty: Math.max(least, settings.vardiff.startDifficulty) },
    startProfiles: [
      ...settings.startProfiles.map(profile => ({
        ...profile,
        startDifficulty: Math.max(least, profile.startDifficulty ?? least),
        floorDifficulty: Math.max(floor, profile.floorDifficulty ?? 0)
      })),
      anybody
    ]
  }
}
