/**
 * A schedule is everything that was decided in one run: where the cancels came, before which operations fibers paused,
 * and who of the ready ran next. Written as a token, `12+40/3,9/0,2,1`: cancel at point 12, again at 40; pauses before
 * operations 3 and 9; of those who could run, the first, the third, the second, and from then on always the first.
 * A part that is empty is left out from the right; no cancel is `-`.
 */
import * as Option from "effect/Option"
import type { Director } from "./world.ts"

export interface Schedule {
  readonly cancel: number | undefined
  readonly again: number | undefined
  readonly pauses: ReadonlyArray<number>
  readonly picks: ReadonlyArray<number>
}

export const undisturbed: Schedule = { cancel: undefined, again: undefined, pauses: [], picks: [] }

/** Leaves out what changes nothing. */
const trimmed = (picks: ReadonlyArray<number>): ReadonlyArray<number> =>
  picks.slice(0, picks.findLastIndex((pick) => pick !== 0) + 1)

export const tokenOf = ({ cancel, again, pauses, picks }: Schedule): string => {
  const parts = [
    (cancel === undefined ? "-" : String(cancel)) + (again === undefined ? "" : `+${again}`),
    pauses.join(","),
    trimmed(picks).join(",")
  ]
  while (parts.length > 1 && parts.at(-1) === "") parts.pop()
  return parts.join("/")
}

const shape = /^(-|\d+)(?:\+(\d+))?(?:\/(\d+(?:,\d+)*)?(?:\/(\d+(?:,\d+)*)?)?)?$/

export const scheduleOf = (token: string): Option.Option<Schedule> => {
  const match = shape.exec(token)
  if (match === null) return Option.none()
  const [, cancel, again, pauses, picks] = match
  return Option.some({
    cancel: cancel === "-" ? undefined : Number(cancel),
    again: again === undefined ? undefined : Number(again),
    pauses: numbers(pauses),
    picks: numbers(picks)
  })
}

const numbers = (text: string | undefined): ReadonlyArray<number> =>
  text === undefined ? [] : text.split(",").map(Number)

/** Decides as the schedule says. */
export const following = ({ pauses, picks }: Schedule): Director => {
  const at = new Set(pauses)
  let next = 0
  return {
    pause: at.size === 0 ? undefined : (world) => at.has(world.operations),
    pick: picks.length === 0 ? undefined : (ready) => Math.min(picks[next++] ?? 0, ready.length - 1)
  }
}

/** Notes what another decides. */
export class Recorder implements Director {
  readonly pauses: Array<number> = []
  readonly picks: Array<number> = []
  readonly pause: Director["pause"]
  readonly pick: Director["pick"]

  constructor(director: Director) {
    const { pause, pick } = director
    this.pause =
      pause &&
      ((world) => {
        const pauses = pause(world)
        if (pauses) this.pauses.push(world.operations)
        return pauses
      })
    this.pick = (ready) => {
      const picked = pick === undefined ? 0 : pick(ready)
      this.picks.push(picked)
      return picked
    }
  }
}
