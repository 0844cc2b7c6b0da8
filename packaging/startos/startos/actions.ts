import { sdk } from './sdk'
import { settings } from './settings'

const { InputSpec, Value } = sdk

const inputSpec = InputSpec.of({
  payoutAddress: Value.text({
    name: 'Payout address',
    description:
      'Bitcoin address that is paid for miners whose user name is a name alone. Empty: such miners are refused.',
    required: false,
    default: null,
    placeholder: 'bc1…',
    maxLength: 90,
    patterns: [
      { regex: '^(bc1[02-9ac-hj-np-z]{8,87}|[13][1-9A-HJ-NP-Za-km-z]{24,34})$', description: 'A mainnet address.' }
    ]
  })
})

export const actions = sdk.Actions.of().addAction(
  sdk.Action.withInput(
    'payout-address',
    {
      name: 'Payout address',
      description: 'Who is paid for miners that give no address themselves.',
      warning: null,
      allowedStatuses: 'any',
      group: null,
      visibility: 'enabled'
    },
    inputSpec,
    async ({ effects }) => ({ payoutAddress: (await settings.read(s => s.payoutAddress).const(effects)) || null }),
    async ({ effects, input }) => {
      await settings.merge(effects, { payoutAddress: input.payoutAddress ?? '' })
      return null
    }
  )
)
