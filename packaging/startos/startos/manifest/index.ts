import { setupManifest } from '@start9labs/start-sdk'

export const manifest = setupManifest({
  id: 'p2poolv2-ts',
  title: 'P2Poolv2',
  license: 'MIT',
  packageRepo: 'https://github.com/p2poolv2',
  upstreamRepo: 'https://github.com/p2poolv2',
  marketingUrl: 'https://github.com/p2poolv2',
  donationUrl: null,
  docsUrls: ['https://github.com/p2poolv2'],
  description: {
    short: 'Peer-to-peer bitcoin mining node',
    long: 'Your miners work on blocks of your own bitcoin node, share their work with other nodes, and every block pays everybody in its own coinbase.'
  },
  volumes: ['main'],
  images: {
    node: {
      source: { dockerBuild: { dockerfile: '../docker/Dockerfile', workdir: '../..' } },
      arch: ['x86_64', 'aarch64']
    }
  },
  dependencies: {
    bitcoind: {
      description: 'Gives the block templates that miners work on, and takes the blocks they find.',
      optional: false,
      metadata: {
        title: 'Bitcoin',
        icon: 'https://raw.githubusercontent.com/Start9Labs/bitcoin-core-startos/feec0b1dae42961a257948fe39b40caf8672fce1/dep-icon.svg'
      }
    }
  }
})
