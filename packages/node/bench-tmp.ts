import { Rig, address, A_SHARE, template, SOURCE } from '/work/main/packages/node/src/testing/rig.ts'
import { unixMs } from '/work/main/packages/primitives/src/index.ts'
for (const payees of [1, 300]) {
  const rig = new Rig({ check: 'never' })
  rig.template()
  for (let i = 0; i < payees; i++) { rig.connect(5000 + i, address(5000 + i)); if (payees > 1) { rig.mine(5000 + i, A_SHARE); rig.advance(1000) ; } ; rig.handle({type:'minerGone', miner: 5000+i}) }
  for (let id = 1; id <= 1000; id++) rig.connect(id, address(id % payees))
  const t = [10, 11].map(n => template({ transactions: 3000, parent: n }))
  const cpu = (name, f) => {
    const times = []
    for (let i = 0; i < 200; i++) { const a = process.cpuUsage(); const t0 = performance.now(); const r = f(i); const w = performance.now() - t0; const c = process.cpuUsage(a); times.push([w, (c.user + c.system) / 1000]); if (i===0) console.log(name, r.length, 'effects', rig.core.queries.status(unixMs(rig.nowMs)).window.length, 'payees') }
    times.sort((a, b) => a[0] - b[0]); console.log(name, 'median wall', times[100][0].toFixed(2), 'ms cpu', times.map(x=>x[1]).sort((a,b)=>a-b)[100].toFixed(2), 'best', times[0][0].toFixed(2), 'p90', times[180][0].toFixed(2))
  }
  cpu('new block, 1000 miners, payees=' + payees, i => { rig.nowMs += 1000; return rig.core.handle({ type: 'template', template: t[i % 2], source: SOURCE }, unixMs(rig.nowMs)) })
  cpu('interval, 1000 miners, payees=' + payees, i => { rig.nowMs += 30000; return rig.core.handle({ type: 'deadline' }, unixMs(rig.nowMs)) })
  cpu('status', i => { rig.core.queries.status(unixMs(rig.nowMs)); return [] })
}
