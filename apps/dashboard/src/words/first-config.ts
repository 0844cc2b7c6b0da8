import type { SetupAnswers, SetupJson } from '@p2poolv2/api/schema'

export type ChainChoice = SetupJson['chains'][number]

const ZMQ = 'tcp://127.0.0.1:28332'

/** What stands in the form before anybody has answered; whoever changes the chain keeps what does not depend on it. */
export function firstAnswers(choice: ChainChoice, before: SetupAnswers | null): SetupAnswers {
  const { chain, rpcUrl, cookieFile } = choice
  const kept = before ?? { payoutAddress: '', rpcUser: '', rpcPassword: '', zmqHashblock: ZMQ, isPageOnLan: false }
  return { ...kept, chain, rpcUrl, cookieFile }
}

/** What the bitcoin node's own configuration needs for these answers. */
export function bitcoinConf({ chain, cookieFile, rpcUser, rpcPassword, zmqHashblock }: SetupAnswers): string {
  return [
    ...(chain === 'main' ? [] : [`${chain}=1`]),
    'server=1',
    ...(cookieFile === '' ? [`rpcuser=${rpcUser}`, `rpcpassword=${rpcPassword}`] : []),
    ...(zmqHashblock === '' ? [] : [`zmqpubhashblock=${zmqHashblock}`]),
    '# Leaves room in each block for the payouts of hundreds of miners.',
    'blockreservedweight=100000',
    ''
  ].join('\n')
}
