/**
 * Looks after slow cancels: wakes when a request has become as old as the
 * threshold, and while something is overdue once in each threshold. A node is
 * told of at the first look, when it comes to hold up one more cancel, and whenever
 * the age of its cancel has doubled.
 */
import type * as Clock from "effect/Clock"
import type { OverdueCancel } from "../OverdueCancel.ts"
import type { CancelRequest } from "./cancelRequest.ts"
import { describe, type Holder, type Overdue, overdueIn } from "./overdue.ts"
import type { ScopeNode } from "./scopeNode.ts"
import { fromWall, steady } from "./steady.ts"

interface Told {
  readonly requests: ReadonlySet<CancelRequest>
  /** The age in milliseconds at which it is told of again. */
  readonly again: number
}

export class Lookout {
  private readonly root: ScopeNode
  private readonly stragglers: Iterable<ScopeNode>
  private readonly threshold: number
  private readonly clock: Clock.Clock
  /** Steady instants. */
  private readonly cameAt = new WeakMap<CancelRequest, number>()
  /** Who was told of and had not ended at the last look. */
  private told = new Map<ScopeNode, Told>()

  constructor(root: ScopeNode, stragglers: Iterable<ScopeNode>, threshold: number, clock: Clock.Clock) {
    this.root = root
    this.stragglers = stragglers
    this.threshold = threshold
    this.clock = clock
  }

  /** Answers when it becomes overdue. */
  came(request: CancelRequest): number {
    const now = steady(this.clock)
    this.cameAt.set(request, now)
    return now + this.threshold
  }

  /** Of one that nobody announced, or that came before, the wall clock knows. */
  private readonly ageOf = (request: CancelRequest): number => {
    const now = steady(this.clock)
    let at = this.cameAt.get(request)
    if (at === undefined) this.cameAt.set(request, (at = Math.min(now, fromWall(request.target.clock, request.at))))
    return now - at
  }

  private readonly described = (holder: Holder): OverdueCancel => describe(holder, this.ageOf(holder.request))

  private get found(): Overdue {
    return overdueIn(this.root, this.stragglers, this.threshold, this.ageOf)
  }

  /** All that is overdue now. */
  get overdue(): ReadonlyArray<OverdueCancel> {
    return this.found.holders.map(this.described)
  }

  /** What is to be told at this steady instant, and when to look again: Infinity if no cancel is under way. */
  look(now: number): { readonly news: ReadonlyArray<OverdueCancel>; readonly next: number } {
    const { holders, oldestOther } = this.found
    const told = new Map<ScopeNode, Told>()
    const news: Array<OverdueCancel> = []
    let next = now - oldestOther + this.threshold
    if (holders.length > 0) next = Math.min(next, now + this.threshold)
    for (const holder of holders) {
      const { above, node, request } = holder
      const age = this.ageOf(request)
      let before = this.told.get(node)
      if (
        before === undefined ||
        age >= before.again ||
        ![request, ...above].every((one) => before!.requests.has(one))
      ) {
        news.push(describe(holder, age))
        before = { requests: new Set([request, ...above]), again: 2 * age }
      }
      told.set(node, before)
      next = Math.min(next, now + before.again - age)
    }
    this.told = told
    return { news, next }
  }
}
