import type { SessionSettings } from '../contract.ts'

/**
 * Nobody who comes in by a door starts below its start difficulty, whatever his kind.
 * @param least undefined where the door has none
 */
export function settingsOfDoor(settings: SessionSettings, least: number | undefined): SessionSettings {
  if (least === undefined) return settings
  return {
    ...settings,
    vardiff: { ...settings.vardiff, startDifficulty: Math.max(least, settings.vardiff.startDifficulty) },
    startProfiles: settings.startProfiles.map(profile => ({
      ...profile,
      startDifficulty: Math.max(least, profile.startDifficulty ?? least)
    }))
  }
}
