/** Nurseries (K2, K3, K5), races (K23 to K27) and joins (K29 to K32, K36). */
import type { Step } from "../../src/testing/TaskPlan.ts"
import { type Body, both, type Exit, type Fiber, Group, interrupted, ok, release, textOf, Unit } from "./nodes.ts"

type Of<Tag extends Step["_tag"]> = Extract<Step, { readonly _tag: Tag }>

export interface Named {
  readonly name: string
  readonly body: Body
}

export class NurseryGroup extends Group {
  private readonly main: Unit
  private readonly supervise: boolean
  private readonly background = new Set<Unit>()
  private waiting: Array<Unit> = []
  private foreground = 1
  private closing = false
  private tripped = false
  private readonly failures: Array<Unit> = []

  constructor(owner: Fiber, { name, supervise }: Of<"Nursery">, body: (nursery: NurseryGroup) => Body) {
    super(owner, name, {})
    this.supervise = supervise
    this.main = new Unit(this.world, `${name}.body`, this, body(this))
  }

  override begin(): void {
    this.main.open()
    this.main.start()
  }

  /** A child starts in the next turn. */
  spawn({ body, name }: Named, background: boolean): Unit {
    const child = new Unit(this.world, name, this, body)
    child.open()
    if (background) this.background.add(child)
    else this.foreground++
    this.waiting.push(child)
    if (this.waiting.length === 1) {
      this.world.turn(() => {
        const starting = this.waiting
        this.waiting = []
        for (const one of starting) one.start()
      })
    }
    return child
  }

  override memberEnded(unit: Unit): void {
    if (!this.background.delete(unit)) this.foreground--
    const isBody = unit === this.main
    if (unit.verdict === "failed") this.failed(unit, isBody)
    if (isBody && unit.verdict === "cancelled" && !this.told) this.cancel(`body-failed/${this.name}/${this.name}`, {})
    if (this.foreground > 0) return
    this.closing = true
    for (const child of this.background) child.cancel(`scope-closed/${this.name}/${child.name}`, {})
  }

  private failed(unit: Unit, isBody: boolean): void {
    if (this.supervise && !isBody) return void this.failures.push(unit)
    if (this.tripped || this.told) return
    this.failures.push(unit)
    if (this.failures.filter((other) => !this.supervise || other === this.main).length > 1) return
    this.world.decide()
    this.world.turn(() => {
      this.tripped = true
      if (this.closed) return
      this.cancel(`${isBody ? "body-failed" : "sibling-failed"}/${isBody ? this.name : unit.name}/${this.name}`, {})
    })
  }

  override get done(): boolean {
    return this.closing
  }

  override result(done: (exit: Exit) => void): void {
    const failed = this.failures.map((unit) => unit.exit!)
    if (!this.supervise && failed.length > 0) return done(failed.reduce(both, ok))
    if (this.main.verdict !== "completed") return done(this.main.exit!)
    if (this.supervise) {
      const lines = this.failures.map(({ exit, name }) => `${name} ${textOf(exit!)}`)
      this.world.note(this.name, "report", lines.toSorted().join("; "))
    }
    done(ok)
  }
}

export class RaceGroup extends Group {
  private readonly step: Of<"Race">
  private readonly entries: ReadonlyArray<Named>
  private readonly members: Array<Unit> = []
  private readonly winners: Array<Unit> = []
  private released = 1
  private beaten = 0
  private starting = false
  private stopTimer: () => void = () => {}

  constructor(owner: Fiber, step: Of<"Race">, entries: ReadonlyArray<Named>) {
    super(owner, step.name, step)
    this.step = step
    this.entries = entries
  }

  private get needed(): number {
    return this.step.rule === "quorum" ? this.step.needed : 1
  }

  private get won(): boolean {
    return this.winners.length >= this.needed
  }

  private get lost_(): boolean {
    return this.beaten > this.entries.length - this.needed
  }

  private get decided(): boolean {
    return this.won || this.lost_
  }

  override begin(): void {
    this.startMore()
    this.wait()
  }

  /** In order, and none once it is decided. A hedge lets one more in when its delay has passed, or one has failed. */
  private startMore(): void {
    if (this.starting) return
    this.starting = true
    const room = () => (this.step.rule === "hedge" ? this.released : this.entries.length)
    while (this.members.length < room() && this.members.length < this.entries.length && !this.decided && !this.told) {
      const { body, name } = this.entries[this.members.length]!
      const member = new Unit(this.world, name, this, body)
      this.members.push(member)
      member.open()
      member.start()
    }
    this.starting = false
  }

  private wait(): void {
    this.stopTimer()
    if (this.step.rule !== "hedge" || this.closed || this.decided || this.told || this.released >= this.entries.length)
      return
    this.stopTimer = this.world.after(this.step.delay, () => {
      this.world.decide()
      this.released++
      this.startMore()
      this.wait()
    })
  }

  override get done(): boolean {
    return this.step.rule !== "hedge" || this.members.length === this.entries.length || this.decided || this.told
  }

  override close(): void {
    this.stopTimer()
    super.close()
  }

  /** A race is decided by the exit, before the winner's scope would close (K27). */
  override keepsScope(unit: Unit, exit: Exit): boolean {
    this.world.decide()
    if (this.decided || this.told) return false
    if (exit.length > 0 && this.step.rule !== "firstSettled") return false
    this.winners.push(unit)
    if (exit.length === 0) return true
    this.tellLosers(unit)
    return false
  }

  private tellLosers(winner: Unit): void {
    this.stopTimer()
    this.cancel(`lost-race/${winner.name}/${this.name}`, this.policy)
  }

  override memberEnded(unit: Unit): void {
    if (this.winners.includes(unit)) {
      if (this.won && this.children.size > 0 && !this.told) this.tellLosers(unit)
      if (this.won) this.stopTimer()
      return
    }
    if (this.won || this.told) return
    this.beaten++
    this.released++
    this.wait()
    if (this.lost_ && this.children.size > 0) this.cancel(`sibling-failed/${unit.name}/${this.name}`, this.policy)
    this.startMore()
  }

  override result(done: (exit: Exit) => void): void {
    this.handOn(() => {
      if (this.owner.stopped) return done(interrupted)
      if (!this.won) {
        const failed = this.members.filter(
          ({ exit, mark, verdict }) => exit?.length !== 0 && !(verdict === "cancelled" && mark === this.mark)
        )
        this.world.note(
          this.name,
          "report",
          `failed ${failed.map(({ exit, name }) => `${name} ${textOf(exit!)}`).join(", ")}`
        )
        return done([`RaceFailed(${this.name})`])
      }
      const settled = this.step.rule === "firstSettled"
      const winners = this.winners.map(({ name, verdict }) => (settled ? `${name} ${tags[verdict!]}` : name))
      const losers = this.entries.flatMap(({ name }, index) => {
        const member = this.members[index]
        return member !== undefined && this.winners.includes(member) ? [] : [`${name} ${loserText(member)}`]
      })
      this.world.note(this.name, "report", [`won ${winners.join(", ")}`, ...losers].join("; "))
      done(ok)
    })
  }

  override lost(done: () => void): void {
    this.handOn(done)
  }

  /** The winners' scopes move to the caller's; if they have not won after all they close, last ended first. */
  private handOn(done: () => void): void {
    if (this.won) {
      for (const winner of this.winners) {
        winner.heir = this.owner.unit
        this.owner.scope.finalizers.push(...winner.finalizers.splice(0))
      }
      return done()
    }
    this.owner.masks++
    const all = this.winners.flatMap(({ finalizers }) => finalizers.splice(0))
    release(this.world, all, () => {
      this.owner.masks--
      done()
    })
  }
}

const tags = { completed: "Completed", failed: "Failed", cancelled: "Cancelled" } as const

/** K24. */
const loserText = (member: Unit | undefined): string => {
  if (member === undefined || !member.started) return "NotStarted"
  const { exit, how, mark, verdict } = member
  if (exit?.length === 0) return "FinishedLate"
  return verdict === "failed" ? `Failed ${textOf(exit!)}` : `Cancelled ${how}, ${mark!.reason}`
}

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

/** K35: the runs of one key, in order; each supersedes the one before and waits for its end. */
export class LatestGroup extends Group {
  readonly runs: Array<Unit> = []
  private shut = false

  override get standsAlone(): boolean {
    return true
  }

  override begin(): void {
    this.begun = true
  }

  replace({ body, name }: Named): Unit {
    const run = new Unit(this.world, name, this, body)
    const before = this.runs.at(-1)
    run.open()
    this.runs.push(run)
    if (before !== undefined && !before.closed) {
      before.cancel(`superseded/${name}#${this.runs.length}/${before.name}`, before.started ? this.policy : {})
    }
    if (this.runs.every((other) => other === run || other.closed)) this.world.turn(() => run.start())
    return run
  }

  override memberEnded(unit: Unit): void {
    const next = this.runs.find((run) => !run.closed)
    if (next !== undefined && !next.started && unit !== next) this.world.turn(() => next.start())
  }

  end(reason: string, done: () => void): void {
    this.shut = true
    this.onClosed(done)
    this.cancel(reason, {})
    this.closeIfDone()
  }

  override get done(): boolean {
    return this.shut
  }

  override result(done: (exit: Exit) => void): void {
    done(interrupted)
  }
}
