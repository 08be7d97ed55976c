/**
 * Live heap per contestant. Each figure comes from a process of its own (this file, run with a contestant's name), since
 * what one contestant's warm-up leaves in the heap (code, type feedback, pools) is no task of the next.
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { gc } from "./gc.ts"
import { orderOf, playersOf, type Samples, type Series } from "./measure.ts"
import { Probe } from "./Probe.ts"
import type { Case, Contestant } from "./Workload.ts"
import { idleMemory } from "./workloads/idleMemory.ts"
import { ids } from "./workloads/keyed.ts"

const self = fileURLToPath(import.meta.url)

const liveHeap = (): number => {
  gc()
  return process.memoryUsage().heapUsed
}

/** Bytes that the idle tasks of one round keep alive; runs in the child. */
const weighOnce = async (of: Case, who: Contestant): Promise<number> => {
  const warmUp = new Probe({ finalizers: 1000, audit: true })
  await idleMemory.contestants[who](1000, warmUp)
  warmUp.verify(who)

  ids(of.n)
  const probe = new Probe({ finalizers: of.finalizers, onLap: (name) => name === "start" && (at = liveHeap()) })
  const before = liveHeap()
  let at = before
  await idleMemory.contestants[who](of.n, probe)
  probe.verify(who)
  return at - before
}

export const weigh = (of: Case, rounds: number): Samples => {
  const row = new Map<string, Series>(playersOf(of).map((who) => [who, Array<number | undefined>(rounds)]))
  for (let round = 0; round < rounds; round++) {
    for (const who of orderOf(playersOf(of), round)) {
      // Effection needs more heap than V8 allows by default on small machines.
      const child = spawnSync(process.execPath, ["--max-old-space-size=8192", self, who], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"]
      })
      if (child.status !== 0) throw new Error(`weighing ${who} ended with ${child.status ?? child.signal}`)
      row.get(who)![round] = Number(child.stdout)
    }
  }
  return new Map([[of.label, row]])
}

if (process.argv[1] === self) {
  console.log(await weighOnce(idleMemory.cases[0]!, process.argv[2] as Contestant))
}
