/** Breaks of what races and joins share: turns, permits, what is told to whom (K5, K13, K16, K24, K36, K39). */
import type { Mutant } from "../Mutant.ts"

const race = ["test/combinators/Race.test.ts"]
const join = ["test/combinators/Join.test.ts"]
const bounded = ["test/combinators/Join.concurrency.test.ts"]
const node = "src/combinators/internal/membersNode.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "members start though the race is decided",
    law: "K23",
    file: node,
    find: " && !this.decided && !this.interrupted && !this.stoppedAbove) {",
    replace: " && !this.interrupted && !this.stoppedAbove) {",
    tests: [model, ...race]
  },
  {
    name: "members start though the task around them was cancelled by one of them",
    law: "K5 K13",
    file: node,
    find: " && !this.decided && !this.interrupted && !this.stoppedAbove) {",
    replace: " && !this.decided && !this.interrupted) {",
    tests: [...race, ...join, "test/combinators/cancelAtRandom.test.ts", "test/combinators/everythingAtRandom.test.ts"]
  },
  {
    name: "the concurrency is not a bound",
    law: "K36",
    file: node,
    find: "return this.running < this.options.concurrency",
    replace: "return true",
    tests: bounded
  },
  {
    name: "a member that ends does not give back its permit",
    law: "K36",
    file: node,
    find: "if (this.waiting?.delete(child) !== true) this.running--",
    replace: "this.waiting?.delete(child)",
    tests: [model, ...bounded]
  },
  {
    name: "a member that is cancelled while it waits gives back a permit that it never had",
    law: "K36",
    file: node,
    find: "if (this.waiting?.delete(child) !== true) this.running--",
    replace: "this.running--",
    tests: ["test/combinators/Batch.test.ts"]
  },
  {
    name: "a member that was cancelled while it waited takes a permit",
    law: "K36",
    file: node,
    find: "if (member.gone) continue\n",
    replace: "",
    tests: ["test/combinators/Batch.test.ts"]
  },
  {
    name: "the end of a member starts nobody",
    law: "K36",
    file: node,
    find: "if (!this.allStarted) this.startMore()\n",
    replace: "",
    tests: [model, ...bounded]
  },
  {
    name: "members that end at once start one another on one stack",
    law: "K6 K36",
    file: node,
    find: "if (this.starting) return\n",
    replace: "",
    tests: bounded
  },
  {
    name: "who waits for a turn has no place in the tree",
    law: "K36 K43",
    file: node,
    find: "if (this.options.concurrency < this.size) {",
    replace: "if (this.options.concurrency < 0) {",
    tests: bounded
  },
  {
    name: "a group is done before its first members have started",
    law: "K1",
    file: node,
    find: "return this.begun && this.stopping === 0",
    replace: "return this.stopping === 0",
    tests: [...join, ...race]
  },
  {
    name: "a cancel from above, which the owner does not hear, stays the reason of the group's own",
    law: "K39 K19",
    file: node,
    find: "if (this.withheldAbove) forgetWithheld(this)\n",
    replace: "",
    tests: [...race, ...join]
  },
  {
    name: "a cancel from above that cuts the start short is taken for one that is withheld",
    law: "K13 K39",
    file: node,
    find: "return this.up!.interrupted && !this.interrupted && !this.cutShort",
    replace: "return this.up!.interrupted && !this.interrupted",
    tests: [...race, ...join]
  },
  {
    name: "what failed in clean-up is kept twice",
    law: "K16",
    file: node,
    find: "if (this.passedOn) return\n",
    replace: "",
    tests: bounded
  },
  {
    name: "what failed in clean-up is kept for members that have a place for it",
    law: "K16",
    file: node,
    find: "if (!verdicts.includes(member.verdict!)) continue\n",
    replace: "",
    tests: bounded
  },
  {
    name: "a cancelled owner drops what failed in the members' clean-up",
    law: "K16",
    file: node,
    find: "override lost(): void {\n    this.passOnCleanupFailures()\n",
    replace: "override lost(): void {\n",
    tests: race
  },
  {
    name: "a key named __proto__ is lost",
    law: "K24",
    file: node,
    find: 'if (key === "__proto__")',
    replace: 'if (key === "")',
    tests: race
  },
  {
    name: "a member that is not there hangs the race",
    law: "K23",
    file: node,
    find: "Effect.die(new TypeError(`The member ${JSON.stringify(key)} is not an effect`))",
    replace: "Effect.never",
    tests: race
  },
  {
    name: "a member that is not there is not named",
    law: "K23",
    file: node,
    find: "The member ${JSON.stringify(key)} is not",
    replace: "A member is not",
    tests: race
  },
  {
    name: "the winner's hole in a list is closed up",
    law: "K24",
    file: node,
    find: "collected.push(left ? undefined : f(member))",
    replace: "if (!left) collected.push(f(member))",
    tests: race
  },
  {
    name: "a record has the winner among the losers",
    law: "K24",
    file: node,
    find: "else if (!left) put(collected",
    replace: "else put(collected",
    tests: race
  }
]
