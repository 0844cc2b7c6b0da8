import { actions } from './actions'
import { restoreInit } from './backups'
import { setDependencies } from './dependencies'
import { setInterfaces } from './interfaces'
import { sdk } from './sdk'
import { settings } from './settings'
import { versionGraph } from './versions'

const seedSettings = sdk.setupOnInit(async effects => {
  await settings.merge(effects, {})
})

export const init = sdk.setupInit(restoreInit, versionGraph, seedSettings, setInterfaces, setDependencies, actions)
export const uninit = sdk.setupUninit(versionGraph)
