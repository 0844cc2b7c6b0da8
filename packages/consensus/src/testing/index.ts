export { ShareTree } from './share-tree.ts'
