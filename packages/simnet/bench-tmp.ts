import { SCENARIOS, reportText } from './src/index.ts'
import { World } from './src/world/world.ts'
const [,, name, nodes, hours, seed='1'] = process.argv
const worlds: World[] = []
const orig = World.prototype.addNode
World.prototype.addNode = function (this: World, ...a) { if (!worlds.includes(this)) worlds.push(this); return orig.apply(this, a) }
try { const r = SCENARIOS.get(name)!.run({nodes:+nodes, hours:+hours, seed:+seed}); console.log(reportText(r)) } catch (e) { console.log(e.message) }
for (const w of worlds) for (const n of w.nodes) { if(!n.isUp) {console.log(n.node,'down'); continue}
 console.log(n.node, n.chain.confirmedTip().height, n.chain.confirmedTip().hash.slice(0,8), 'cand', n.chain.candidateTip().height, n.chain.confirmedTip().timeSec-w.clock.nowMs/1000, n.chain.confirmedTip().chainWork, n.core.queries.network?.(n.nowMs)?.state, n.chain.orphanCount) }
