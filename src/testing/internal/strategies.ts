/** The ways to choose among interleavings. Each gives one director a run, or none when all of its runs are done. */
import { randomFrom } from "./random.ts"
import type { Director } from "./world.ts"

export interface Search {
  readonly next: () => Director | undefined
}

/** Each pause and each pick by lot. */
export const randomWalk = (random: () => number, preempt: number): Search => ({
  next: () => {
    const draw = randomFrom(Math.floor(random() * 2 ** 31) + 1)
    return {
      pause: () => draw() < preempt,
      pick: (ready) => Math.floor(draw() * ready.length)
    }
  }
})

/**
 * Probabilistic concurrency testing (Burckhardt and others, 2010): fibers have random priorities, the highest runs, and
 * at `depth - 1` random steps the one that runs falls below all others.
 */
export const pct = (random: () => number, depth: number, horizon: number): Search => ({
  next: () => {
    const priorities = new Map<number, number>()
    const changes = new Set(Array.from({ length: depth - 1 }, () => 1 + Math.floor(random() * horizon)))
    let lowest = 0
    let picks = 0
    const priorityOf = (owner: number): number => {
      let priority = priorities.get(owner)
      if (priority === undefined) priorities.set(owner, (priority = random()))
      return priority
    }
    return {
      pause: () => true,
      pick: (ready) => {
        let best = 0
        for (let index = 1; index < ready.length; index++) {
          if (priorityOf(ready[index]!.owner) > priorityOf(ready[best]!.owner)) best = index
        }
        if (changes.has(++picks)) priorities.set(ready[best]!.owner, --lowest)
        return best
      }
    }
  }
})

/** Every order of the ready, and every placing of at most `preemptions` pauses, depth first. */
export const depthFirst = (preemptions: number): Search => {
  let prefix: Array<{ pick: number; readonly of: number }> = []
  let done = false
  let first = true
  return {
    next: () => {
      if (!first) {
        while (prefix.length > 0 && prefix.at(-1)!.pick + 1 >= prefix.at(-1)!.of) prefix.pop()
        if (prefix.length === 0) done = true
        else prefix.at(-1)!.pick++
      }
      first = false
      if (done) return undefined
      const stack = prefix
      const known = prefix.length
      let position = 0
      let budget = preemptions
      const choose = (of: number): number => {
        if (position >= known) stack.push({ pick: 0, of })
        return stack[position++]!.pick
      }
      prefix = stack
      return {
        pause: () => {
          if (budget === 0 || choose(2) === 0) return false
          budget--
          return true
        },
        pick: (ready) => choose(ready.length)
      }
    }
  }
}
