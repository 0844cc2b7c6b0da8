import type { SetupAnswers, SetupJson } from '@p2poolv2/api/schema'

export type ChainChoice = SetupJson['chains'][number]

const ZMQ = 'tcp://127.0.0.1:28332'

/** What stands in the form before anybody has answered; whoever changes the chain keeps what was typed by hand. */
export function firstAnswers(
  { chain, rpcUrl, cookieFile }: ChainChoice,
  before: { readonly answers: SetupAnswers; readonly choice: ChainChoice } | null
): SetupAnswers {
  const first = { payoutAddress: '', rpcUser: '', rpcPassword: '', zmqHashblock: ZMQ, isPageOnLan: false }
  if (before === null) return { ...first, chain, rpcUrl, cookieFile }
  const { answers, choice } = before
  return {
    ...answers,
    chain,
    rpcUrl: answers.rpcUrl === choice.rpcUrl ? rpcUrl : answers.rpcUrl,
    cookieFile: answers.cookieFile === choice.cookieFile ? cookieFile : answers.cookieFile
  }
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
