import { type Exit, interrupted } from "./exit.ts"
import { Group } from "./group.ts"
import { type Named, Unit } from "./nodes.ts"

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
