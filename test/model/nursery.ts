/** Nurseries: K2, K3, K5. */
import type { Of } from "./Of.ts"
import { both, type Exit, ok, textOf } from "./exit.ts"
import { Group } from "./group.ts"
import { type Body, type Fiber, type Named, Unit } from "./nodes.ts"

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
