/** Races, quorums and hedges: K23 to K27. */
import type { Of } from "./Of.ts"
import { type Exit, interrupted, ok, textOf } from "./exit.ts"
import { Group } from "./group.ts"
import { type Fiber, type Named, release, Unit } from "./nodes.ts"

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
  override takesScope(unit: Unit, exit: Exit): boolean {
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
