export { minerText, WindowTree } from './window-tree.ts'
