/**
 * Random plans. `effect/Arbitrary` has neither a choice between generators nor
 * recursion of our own, so a plan is grown here from a list of random numbers:
 * their count is how many steps it may have, and together they are its seed.
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import type {
  ArbitraryOptions,
  Cleanup,
  ExtraStep,
  OuterCancel,
  Patience,
  Step,
  StepTag,
  TaskPlan
} from "../../TaskPlan.ts"
import { named } from "./naming.ts"

export const planSchema = (options: ArbitraryOptions | undefined): Schema.Codec<TaskPlan> =>
  Schema.declare((value): value is TaskPlan => typeof value === "object" && value !== null && "body" in value, {
    expected: "a TaskPlan",
    toCodecArbitrary: () =>
      Schema.link<TaskPlan>()(Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffffffff }))), {
        decode: SchemaGetter.transform((numbers) => new Grower(numbers, options).plan(numbers.length)),
        encode: SchemaGetter.transform(() => [])
      })
  })

type LeafTag = "Sleep" | "Succeed" | "Fail" | "Die" | "Interrupt" | "Finalizer" | "Cancel" | "Yield"
type CompositeTag = Exclude<StepTag, LeafTag | "Child" | "Extra">

/** How often each is drawn. */
const leaves: ReadonlyArray<readonly [LeafTag, number]> = [
  ["Sleep", 6],
  ["Succeed", 1],
  ["Fail", 3],
  ["Die", 1],
  ["Interrupt", 1],
  ["Finalizer", 2],
  ["Cancel", 1],
  ["Yield", 1]
]

const composites: ReadonlyArray<readonly [CompositeTag, number]> = [
  ["Sequence", 4],
  ["Nursery", 4],
  ["Race", 4],
  ["Join", 4],
  ["Resource", 3],
  ["Deadline", 2],
  ["Shield", 2],
  ["Catch", 2],
  ["Commit", 1],
  ["Uninterruptible", 1],
  ["Latest", 1],
  ["Native", 1]
]

class Grower {
  private state: number
  private readonly leaves: ReadonlyArray<LeafTag>
  private readonly composites: ReadonlyArray<CompositeTag>
  private readonly extra: ReadonlyArray<ExtraStep>
  private readonly longest: number
  private readonly cancels: number

  constructor(seed: ReadonlyArray<number>, options: ArbitraryOptions | undefined) {
    this.state = seed.reduce((hash, number) => Math.imul(hash ^ number ^ (hash >>> 15), 0x85ebca6b) >>> 0, 0x9e3779b9)
    const wanted = options?.steps
    const drawn = <Tag extends StepTag>(from: ReadonlyArray<readonly [Tag, number]>): ReadonlyArray<Tag> =>
      from.flatMap(([tag, weight]) =>
        wanted === undefined || wanted.includes(tag) ? Array.from({ length: weight }, () => tag) : []
      )
    this.leaves = [...drawn(leaves), "Sleep"]
    this.composites = drawn(composites)
    this.extra = options?.extra ?? []
    this.longest = Math.max(1, Math.floor(options?.longest ?? 20))
    this.cancels = options?.cancels ?? 2
  }

  plan(size: number): TaskPlan {
    const body = this.step(size)
    return named({ body, cancels: Array.from({ length: this.below(this.cancels + 1) }, () => this.outerCancel()) })
  }

  private next(): number {
    // mulberry32
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = this.state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000
  }

  private below(bound: number): number {
    return Math.floor(this.next() * bound)
  }

  private chance(likely: number): boolean {
    return this.next() < likely
  }

  private pick<A>(list: ReadonlyArray<A>): A {
    return list[this.below(list.length)]!
  }

  private ms(): number {
    return 1 + this.below(this.longest)
  }

  private patience(): Patience {
    return {
      ...(this.chance(0.25) ? { grace: this.ms() } : {}),
      ...(this.chance(0.15) ? { giveUp: this.ms() } : {})
    }
  }

  private cleanup(): Cleanup {
    return { ms: this.chance(0.7) ? this.ms() : 0, end: this.chance(0.8) ? "succeed" : this.pick(["fail", "die"]) }
  }

  private outerCancel(): OuterCancel {
    return {
      at: this.ms(),
      target: this.chance(0.5) ? 0 : this.below(8),
      by: this.pick(["ann", "bob"]),
      ...this.patience()
    }
  }

  private step(size: number): Step {
    const composite = size > 1 && this.composites.length > 0
    const extra = this.extra.filter(({ members }) => composite === (members !== undefined && members[1] > 0))
    if (extra.length > 0 && this.chance(0.5)) {
      const step = this.pick(extra)
      const [least, most] = step.members ?? [0, 0]
      const members = this.members(size - 1, least + this.below(most - least + 1))
      return { _tag: "Extra", name: "", step, ms: this.ms(), members }
    }
    return composite ? this.composite(this.pick(this.composites), size - 1) : this.leaf(this.pick(this.leaves))
  }

  private members(size: number, count: number): ReadonlyArray<Step> {
    return Array.from({ length: count }, () => this.step(Math.max(1, Math.round((size / count) * (0.5 + this.next())))))
  }

  private leaf(tag: LeafTag): Step {
    const name = ""
    const members = [] as const
    const sleep: Step = { _tag: "Sleep", name, ms: this.ms(), members }
    switch (tag) {
      case "Yield":
        return { _tag: "Yield", name, turns: 1 + this.below(3), members }
      case "Finalizer":
        return {
          _tag: "Sequence",
          name,
          members: [{ _tag: "Finalizer", name, cleanup: this.cleanup(), members }, sleep]
        }
      case "Cancel": {
        const cancel: Step = {
          _tag: "Cancel",
          name,
          target: this.below(8),
          wait: this.chance(0.5),
          members,
          ...this.patience()
        }
        return { _tag: "Sequence", name, members: [sleep, cancel] }
      }
      case "Succeed":
      case "Fail":
      case "Die":
      case "Interrupt": {
        const end: Step = { _tag: tag, name, members }
        return this.chance(0.8) ? { _tag: "Sequence", name, members: [sleep, end] } : end
      }
      case "Sleep":
        return sleep
    }
  }

  private composite(tag: CompositeTag, size: number): Step {
    const name = ""
    const many = () => this.members(size, 2 + this.below(2))
    const one = () => [this.step(size)] as const
    switch (tag) {
      case "Nursery": {
        const [body, ...rest] = many()
        const children = rest.map((step): Step => ({
          _tag: "Child",
          name,
          background: this.chance(0.3),
          members: [step]
        }))
        return { _tag: "Nursery", name, supervise: this.chance(0.4), members: [body!, ...children] }
      }
      case "Race": {
        const rule = this.pick(["firstSuccess", "firstSettled", "quorum", "hedge"] as const)
        const needed = rule === "quorum" ? 1 + this.below(3) : 1
        return { _tag: "Race", name, rule, needed, delay: this.ms(), members: many(), ...this.patience() }
      }
      case "Join":
        return {
          _tag: "Join",
          name,
          rule: this.pick(["all", "settled", "within"] as const),
          limit: this.ms(),
          ...(this.chance(0.3) ? { concurrency: 1 + this.below(2) } : {}),
          ...(this.chance(0.3) ? { each: this.ms() } : {}),
          members: many(),
          ...this.patience()
        }
      case "Resource":
        return { _tag: "Resource", name, cleanup: this.cleanup(), members: one() }
      case "Deadline":
        return { _tag: "Deadline", name, limit: this.ms(), members: one(), ...this.patience() }
      case "Shield":
        return { _tag: "Shield", name, ...(this.chance(0.5) ? { budget: this.ms() } : {}), members: one() }
      case "Commit":
        return { _tag: "Commit", name, within: this.ms(), members: one() }
      case "Catch":
      case "Uninterruptible":
        return { _tag: tag, name, members: one() }
      case "Latest":
        return { _tag: "Latest", name, every: this.ms(), members: many(), ...this.patience() }
      case "Native": {
        const rule = this.pick(["race", "all", "timeout"] as const)
        return { _tag: "Native", name, rule, ms: this.ms(), members: rule === "timeout" ? one() : many() }
      }
      case "Sequence":
        return { _tag: "Sequence", name, members: many() }
    }
  }
}
