/** Deadlines and shields. */
import type { Mutant } from "../Mutant.ts"

const region = "src/fibers/internal/regionNode.ts"
const limit = "src/fibers/internal/limit.ts"
const node = "src/fibers/internal/shieldNode.ts"
const scope = "src/fibers/internal/scopeNode.ts"

const shield = "test/fibers/Shield.test.ts"
const deadline = "test/combinators/Deadline.test.ts"
const random = "test/combinators/Deadline.random.test.ts"
const model = "test/model/model.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "an inner deadline may be later than the outer one",
    law: "K33",
    file: limit,
    find: "limit.at < (found?.at ?? Infinity)) found = limit",
    replace: "found === undefined && limit.at < Infinity) found = limit",
    tests: [deadline]
  },
  {
    name: "of two deadlines that are due the inner one speaks first",
    law: "K33",
    file: limit,
    find: "if (!limit.over && isDue(limit)) found = limit\n    }\n    return found",
    replace: "if (!limit.over && isDue(limit)) return limit\n    }\n    return found",
    tests: [deadline, random]
  },
  {
    name: "a deadline cannot be moved back",
    law: "K33",
    file: limit,
    find: "    this.at = at\n    this.told = wall",
    replace: "    this.at = Math.min(at, this.at)\n    this.told = wall",
    tests: [deadline]
  },
  {
    name: "a deadline that is brought forward keeps its old timer",
    law: "K33",
    file: limit,
    find: "if (this.timer !== undefined && this.wakesAt <= at) return true",
    replace: "if (this.timer !== undefined) return true",
    tests: [deadline]
  },
  {
    name: "a deadline that has passed can be moved",
    law: "K33",
    file: limit,
    find: "if (this.over) return false\n    const at",
    replace: "const at",
    tests: [deadline]
  },
  {
    name: "the timer of a deadline outlives its scope",
    law: "K45",
    file: limit,
    find: "  stop(): void {\n    const timer = this.timer\n    this.timer = undefined\n    timer?.interruptUnsafe()",
    replace: "  stop(): void {\n    this.timer = undefined",
    tests: [deadline, shield]
  },
  {
    name: "what ends at the instant of its deadline has ended too late",
    law: "K31 K33",
    file: limit,
    find: "    Effect.andThen(\n      Effect.yieldNow,\n      Effect.suspend(() => {\n        if (this.over)",
    replace: "    Effect.andThen(\n      Effect.void,\n      Effect.suspend(() => {\n        if (this.over)",
    tests: [deadline, random, "test/combinators/Join.deadline.test.ts"]
  },
  {
    name: "a start does not look at an outer deadline that has passed",
    law: "K33",
    file: limit,
    find: "due?.tell()\n    return due !== undefined",
    replace: "return false",
    tests: [deadline, random]
  },
  {
    name: "a limit that was moved forward is overlooked",
    law: "K33",
    file: limit,
    find: "if (at < this.at) broughtForward++",
    replace: "",
    tests: [deadline, random]
  },
  {
    name: "a child forgets the deadline around it",
    law: "K33",
    file: scope,
    find: "    this.limit = up.limit\n",
    replace: "",
    tests: [deadline, shield]
  },
  {
    name: "an outer deadline acts inside a shield",
    law: "K39",
    file: node,
    find: "    super.open()\n    this.limit = undefined\n",
    replace: "    super.open()\n",
    tests: [shield, deadline]
  },
  {
    name: "a budget counts from the start of the shield",
    law: "K39",
    file: node,
    find: "    const request = requestAbove(this.up!)\n",
    replace:
      "    this.limit.moveTo(this.clock.currentTimeMillisUnsafe() + this.budget)\n    const request = requestAbove(this.up!)\n",
    tests: [model, shield]
  },
  {
    name: "a budget does not count from a request that came before the shield",
    law: "K39",
    file: node,
    find: "if (request !== undefined) this.hold(request)",
    replace: "",
    tests: [model, shield]
  },
  {
    name: "a second request gives the shield its budget again",
    law: "K39",
    file: node,
    find: "if (this.held !== undefined || this.limit === undefined) return\n",
    replace: "if (this.limit === undefined) return\n",
    tests: [model, shield, "test/fibers/Shield.random.test.ts"]
  },
  {
    name: "the timer of a budget outlives the shield",
    law: "K39 K45",
    file: node,
    find: "    this.limit?.stop()\n    super.close()",
    replace: "    super.close()",
    tests: [shield]
  },
  {
    name: "at the end of the budget the work reads a reason of the shield",
    law: "K39",
    file: node,
    find: "() => this.stop(this.held!.reason, CancelPolicy.immediate)",
    replace: "() => this.stop(CancelReason.timeout({ by: this.name }), CancelPolicy.immediate)",
    tests: [shield]
  },
  {
    name: "a shield is interrupted with its owner",
    law: "K39",
    file: node,
    find: "this.hold({ reason: CancelReason.stamp(reason, this.name, this.clock.currentTimeMillisUnsafe()) })",
    replace:
      "this.stop(CancelReason.stamp(reason, this.name, this.clock.currentTimeMillisUnsafe()), CancelPolicy.immediate)",
    tests: [shield]
  },
  {
    name: "a shield whose budget ended lets its owner go on in the grace",
    law: "K39",
    file: node,
    find: "      interruptBelow(task, fiber.id)\n      // What stands",
    replace: "      // What stands",
    tests: [shield, "test/fibers/proved.test.ts"]
  },
  {
    name: "what stands between a shield and its task reads no reason when the budget ends in a grace",
    law: "K18 K39",
    file: node,
    find: "for (let at = this.up!; at !== task; at = at.up!) {",
    replace: "for (let at = this.up!; at !== this.up!; at = at.up!) {",
    tests: ["test/fibers/proved.test.ts"]
  },
  {
    name: "a shield counts a request that one further out holds off",
    law: "K39",
    file: node,
    find: "if (node.mark !== undefined || node.standsAlone) return node.mark",
    replace: "if (node.mark !== undefined) return node.mark",
    tests: [shield, "test/fibers/Shield.random.test.ts"]
  },
  {
    name: "what a shield acquired is released when it ends",
    law: "K27 K39",
    file: node,
    find: "return scope === undefined ? effect : Effect.provideService(effect, Scope.Scope, scope)",
    replace: "return scope === null ? effect : effect",
    tests: [shield]
  },
  {
    name: "a region that fails while its owner is interrupted tells nobody",
    law: "K16",
    file: region,
    find: 'if (this.verdict === "failed" && this.exit?._tag === "Failure") {',
    replace: 'if (this.verdict === "failed" && this.exit?._tag === "Success") {',
    tests: [shield, deadline]
  },
  {
    name: "the value of a region is lost when its owner is interrupted",
    law: "K26",
    file: region,
    find: 'return this.exit?._tag === "Success" && this.exit.value !== undefined ? [this.exit.value] : []',
    replace: "return []",
    tests: [shield, deadline]
  },
  {
    name: "a region in clean-up is born cancelled",
    law: "K15 K39",
    file: region,
    find: "    this.mark = undefined\n    this.interrupted = false\n",
    replace: "",
    tests: [deadline, shield]
  },
  {
    name: "a deadline in clean-up reads the reason of the cancel outside",
    law: "K19 K34",
    file: region,
    find: "if (this.up!.interrupted && !this.interrupted && !this.ownerLeft) forgetWithheld(this)\n",
    replace: "",
    tests: [deadline, shield, random]
  }
]
