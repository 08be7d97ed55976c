/** Breaks of `Latest` (K5, K8, K10, K13, K18, K26, K35). */
import type { Mutant } from "../Mutant.ts"

const latest = ["test/combinators/Latest.test.ts"]
const node = "src/combinators/internal/latestNode.ts"
const result = "src/combinators/internal/runResult.ts"
const api = "src/combinators/Latest.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "a run that is started in a closed `Latest` takes the key",
    law: "K5",
    file: node,
    find: "if (adopted.gone) return adopted\n",
    replace: "",
    tests: latest
  },
  {
    name: "the runs of a key do not count",
    law: "K35",
    file: node,
    find: "run.number = ++slot.attempts",
    replace: "run.number = slot.attempts",
    tests: latest
  },
  {
    name: "the numbers of a key begin anew when it was free",
    law: "K35",
    file: node,
    find: "this.spent = Math.max(this.spent, slot.attempts)\n",
    replace: "",
    tests: latest
  },
  {
    name: "a newcomer does not cancel the run before it",
    law: "K35",
    file: node,
    find: "if (before !== undefined) this.supersede(before, run)\n",
    replace: "",
    tests: latest
  },
  {
    name: "a newcomer begins beside the clean-up of the one before it",
    law: "K35",
    file: node,
    find: "if (this.settings.overlap || slot.runs[0] === run)",
    replace: "if (true as boolean)",
    tests: latest
  },
  {
    name: "with overlap a newcomer waits all the same",
    law: "K35",
    file: node,
    find: "if (this.settings.overlap || slot.runs[0] === run)",
    replace: "if (slot.runs[0] === run)",
    tests: latest
  },
  {
    name: "the superseded is not told by whom",
    law: "K19 K35",
    file: node,
    find: "CancelReason.superseded({ by: `${by.name}#${by.number}` })",
    replace: "CancelReason.superseded({})",
    tests: latest
  },
  {
    name: "the superseded is told by which key, not by which run",
    law: "K19 K35",
    file: node,
    find: "by: `${by.name}#${by.number}`",
    replace: "by: by.name",
    tests: latest
  },
  {
    name: "the superseded has no patience",
    law: "K12 K35",
    file: node,
    find: "this.policyFor(before), this.context)",
    replace: "immediate, this.context)",
    tests: latest
  },
  {
    name: "a run that never began has its grace",
    law: "K10 K35",
    file: node,
    find: "return Number.isNaN(run.startedAt) ? immediate : policy",
    replace: "return policy",
    tests: [model, ...latest]
  },
  {
    name: "the entry of a key whose runs have ended stays",
    law: "K45",
    file: node,
    find: "MutableHashMap.remove(this.slots, slot.key as K)\n",
    replace: "",
    tests: latest
  },
  {
    name: "the newest run is forgotten in the place of the one that ended",
    law: "K35",
    file: node,
    find: "slot.runs.splice(slot.runs.indexOf(member as RunNode), 1)",
    replace: "slot.runs.splice(-1, 1)",
    tests: latest
  },
  {
    name: "the oldest run is forgotten in the place of the one that ended",
    law: "K35",
    file: node,
    find: "slot.runs.splice(slot.runs.indexOf(member as RunNode), 1)",
    replace: "slot.runs.shift()",
    tests: latest
  },
  {
    name: "who waits is not started when its turn has come",
    law: "K35",
    file: node,
    find: "this.nextTurn(() => this.startNow(next))",
    replace: "",
    tests: latest
  },
  {
    name: "a run that has begun is started again",
    law: "K35",
    file: node,
    find: "} else if (next.waiting) {",
    replace: "} else {",
    tests: latest
  },
  {
    name: "who waits begins in the very step in which the one before it ended",
    law: "K35",
    file: node,
    find: "this.nextTurn(() => this.startNow(next))",
    replace: "this.startNow(next)",
    tests: latest
  },
  {
    name: "who was asked to stop while it waited begins",
    law: "K10",
    file: node,
    find: "if (run.mark !== undefined && !run.interrupted) cancel(run, run.mark.reason, immediate, this.context)\n",
    replace: "",
    tests: latest
  },
  {
    name: "a run that was told to stop holds the key",
    law: "K35",
    file: node,
    find: "return latest?.mark === undefined ? latest : undefined",
    replace: "return latest",
    tests: latest
  },
  {
    name: "the oldest run holds the key",
    law: "K35",
    file: node,
    find: "const latest = this.runsOf(key).at(-1)",
    replace: "const latest = this.runsOf(key).at(0)",
    tests: latest
  },
  {
    name: "keys that are equal are not one key",
    law: "K35",
    file: node,
    find: "MutableHashMap.set(this.slots, key, slot)",
    replace: "MutableHashMap.set(this.slots, { key } as K, slot)",
    tests: latest
  },
  {
    name: "`keep` does not keep",
    law: "K35",
    file: api,
    find: "const holder = node.holderOf(key)\n      return",
    replace: "const holder = node.holderOf(key) && undefined\n      return",
    tests: latest
  },
  {
    name: "`run` of a kept key runs all the same",
    law: "K35",
    file: api,
    find: "return holder === undefined ? node.replace(key, effect, fiber) : undefined",
    replace: "return node.replace(key, effect, fiber)",
    tests: latest
  },
  {
    name: "a cancel reaches the oldest run first, so that the next one begins",
    law: "K35",
    file: api,
    find: "        .toReversed()\n",
    replace: "",
    tests: latest
  },
  {
    name: "a cancel does not wait for the older runs",
    law: "K1 K35",
    file: api,
    find: "return older.length === 0 ? newest : Effect.tap(newest, Effect.all(older))",
    replace: "return newest",
    tests: latest
  },
  {
    name: "a cancel has no patience",
    law: "K12 K35",
    file: api,
    find: "node.policyFor(run, CancelPolicy.make(options))",
    replace: "node.policyFor(run)",
    tests: latest
  },
  {
    name: "a cancel of a free key answers as if there were a run",
    law: "K35",
    file: api,
    find: '{ _tag: "NotFound", id: node.nameOf(key) }',
    replace: '{ _tag: "Requested", id: node.nameOf(key) } as never',
    tests: latest
  },
  {
    name: "`overlap` is the default",
    law: "K35",
    file: api,
    find: "overlap: replaces && options?.overlap === true",
    replace: "overlap: replaces && options?.overlap !== false",
    tests: latest
  },
  {
    name: "`Latest` ignores its patience",
    law: "K12 K35",
    file: api,
    find: "policy: replaces ? CancelPolicy.make(options) : CancelPolicy.immediate",
    replace: "policy: CancelPolicy.immediate",
    tests: latest
  },
  {
    name: "who waits for a run and is interrupted leaves it running",
    law: "K1 K35",
    file: result,
    find: "const ended = run.gone ? Effect.void : cancelOn(",
    replace: "const ended = (true as boolean) ? Effect.void : cancelOn(",
    tests: latest
  },
  {
    name: "who waits for a run and is interrupted does not wait for its clean-up",
    law: "K1",
    file: result,
    find: "{ reason: here.readable ?? waiterLeft }, true)",
    replace: "{ reason: here.readable ?? waiterLeft }, false)",
    tests: latest
  },
  {
    name: "a run is not told why the one who waited for it was cancelled",
    law: "K18",
    file: result,
    find: "reason: here.readable ?? waiterLeft",
    replace: "reason: waiterLeft",
    tests: latest
  },
  {
    name: "a native interrupt of the one who waits is not told as one",
    law: "K19",
    file: result,
    find: "reason: here.readable ?? waiterLeft",
    replace: "reason: here.readable",
    tests: latest
  },
  {
    name: "the value of a run whose waiter was cancelled is lost",
    law: "K26",
    file: result,
    find: 'if (run.exit?._tag === "Success") here.salvage(scope, run.exit.value)',
    replace: "",
    tests: latest
  },
  {
    name: "a wait in clean-up for the next run of a key hangs",
    law: "K13",
    file: result,
    find: "isHeldOff(fiber) ? waitHeldOff(fiber, run) : undefined",
    replace: "undefined",
    tests: latest
  },
  {
    name: "a wait that cannot end leaves its run behind",
    law: "K13",
    file: result,
    find: "Effect.andThen(cancelOn(fiber, run, { reason: wouldNeverStart }, true), Effect.die(selfWait(run)))",
    replace: "Effect.die(selfWait(run))",
    tests: latest
  },
  {
    name: "a wait in clean-up does not know of the runs that are waited for",
    law: "K13",
    file: result,
    find: "...before.map((other) => beginWait(run, other))",
    replace: "",
    tests: latest
  },
  {
    name: "a wait in clean-up that ended is still known",
    law: "K13",
    file: result,
    find: "const withdraw = run.onClosed(() => {\n          waited?.end()\n",
    replace: "const withdraw = run.onClosed(() => {\n",
    tests: latest
  },
  {
    name: "a wait in clean-up that was left is still known",
    law: "K13",
    file: result,
    find: "        return Effect.sync(() => {\n          waited?.end()\n",
    replace: "        return Effect.sync(() => {\n",
    tests: latest
  },
  {
    name: "a wait that was a defect is still known",
    law: "K13",
    file: result,
    find: "if (waited?.forEver === true) {\n          waited.end()\n",
    replace: "if (waited?.forEver === true) {\n",
    tests: latest
  }
]
