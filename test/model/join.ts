/** Joins: K29 to K32, K36. */
import { both, type Exit, ok, textOf } from "./exit.ts"
import type { Of } from "./Of.ts"
import { Group } from "./group.ts"
import { type Fiber, type Named, Unit } from "./nodes.ts"

export class JoinGroup extends Group {
  private readonly step: Of<"Join">
  private readonly entries: ReadonlyArray<Named>
  private readonly members: Array<Unit> = []
  private readonly failed = new Set<Unit>()
  private readonly overdue = new Set<Unit>()
  private turnOf = 0
  private running = 0
  private tripped = false
  private starting = false

  constructor(owner: Fiber, step: Of<"Join">, entries: ReadonlyArray<Named>) {
    super(owner, step.name, step)
    this.step = step
    this.entries = entries
  }

  private get concurrency(): number {
    return this.step.concurrency ?? Infinity
  }

  override begin(): void {
    // Who waits for room has its place in the tree already.
    for (const { body, name } of this.entries) {
      const member = new Unit(this.world, name, this, body)
      this.members.push(member)
      if (this.concurrency < this.entries.length) member.open()
    }
    this.startMore()
    const { limit, rule } = this.step
    if (rule === "within" && !this.closed)
      this.later(limit, () => this.cancel(`timeout/${this.name}/${this.name}`, this.policy))
  }

  private startMore(): void {
    if (this.starting) return
    this.starting = true
    const bounded = this.concurrency < this.entries.length
    while (this.turnOf < this.members.length && this.running < this.concurrency && !this.told) {
      if (bounded && this.failed.size > 0) break
      const member = this.members[this.turnOf++]!
      if (member.closed) continue
      if (!bounded) member.open()
      this.running++
      this.limitEach(member)
      member.start()
    }
    this.starting = false
  }

  private limitEach(member: Unit): void {
    const { each } = this.step
    if (each === undefined) return
    member.later(each, () => {
      if (member.mark === undefined) this.overdue.add(member)
      member.cancel(`timeout/${this.name}/${member.name}`, this.policy)
    })
  }

  override get done(): boolean {
    return true
  }

  override memberEnded(unit: Unit): void {
    if (this.members.indexOf(unit) < this.turnOf && unit.started) this.running--
    if (this.step.rule === "all" && unit.verdict !== "completed" && !this.told && !this.tripped) {
      this.failed.add(unit)
      this.world.decide()
      if (this.failed.size === 1) {
        this.world.turn(() => {
          this.tripped = true
          if (!this.closed) this.cancel(`sibling-failed/${unit.name}/${this.name}`, this.policy)
        })
      }
    }
    this.startMore()
  }

  override result(done: (exit: Exit) => void): void {
    const { rule } = this.step
    if (rule === "all") {
      const failures = this.members.filter((member) => this.failed.has(member))
      return done(
        failures
          .map(({ exit, name, verdict }) => (verdict === "cancelled" ? [`TaskCancelled(${name})`] : exit!))
          .reduce(both, ok)
      )
    }
    const lines = this.members.map((member) =>
      rule === "settled" ? `${member.name} ${outcomeText(member)}` : `${member.name} ${this.withinText(member)}`
    )
    this.world.note(this.name, "report", (rule === "settled" ? lines : lines.toSorted()).join("; "))
    done(ok)
  }

  /** K31. */
  private withinText(member: Unit): string {
    const { exit, how, mark, verdict } = member
    if (verdict !== "cancelled") return verdict === "failed" ? `failed ${textOf(exit!)}` : "completed"
    const limited = mark === this.mark || this.overdue.has(member)
    return limited ? `timed out ${how}, ${mark!.reason}` : `interrupted, ${mark!.reason}`
  }
}

export const outcomeText = ({ exit, how, mark, verdict }: Unit): string => {
  if (verdict === "cancelled") return `Cancelled ${how}, ${mark!.reason}`
  return verdict === "failed" ? `Failed ${textOf(exit!)}` : "Completed"
}
