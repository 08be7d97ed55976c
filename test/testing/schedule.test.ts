import * as Option from "effect/Option"
import { describe, expect, it } from "vitest"
import { type Schedule, scheduleOf, tokenOf } from "../../src/testing/internal/schedule.ts"
import { randomFrom } from "../../src/testing/internal/random.ts"

describe("schedule", () => {
  it.each<[string, Partial<Schedule>]>([
    ["-", {}],
    ["0", { cancel: 0 }],
    ["12+40", { cancel: 12, again: 40 }],
    ["-/3,9", { pauses: [3, 9] }],
    ["-//0,2", { picks: [0, 2] }],
    ["12+40/3,9/0,2,1", { cancel: 12, again: 40, pauses: [3, 9], picks: [0, 2, 1] }]
  ])("%s", (token, parts) => {
    const schedule = { cancel: undefined, again: undefined, pauses: [], picks: [], ...parts }
    expect(tokenOf(schedule)).toBe(token)
    expect(scheduleOf(token)).toEqual(Option.some(schedule))
  })

  it("picks of the first at the end change nothing and are left out", () => {
    expect(tokenOf({ cancel: 1, again: undefined, pauses: [], picks: [1, 0, 0] })).toBe("1//1")
    expect(tokenOf({ cancel: 1, again: undefined, pauses: [], picks: [0, 0] })).toBe("1")
  })

  it.each(["", "x", "1+", "-/", "-/a", "1//", "1/2/3/4", "-1", "1.5", "1/,2", " 1"])("%j is no token", (token) => {
    const read = scheduleOf(token)
    // An empty part in the middle is allowed, but a token never ends in one.
    expect(Option.match(read, { onNone: () => "none", onSome: tokenOf })).not.toBe(token)
  })

  it("500 random schedules come back as they were", () => {
    const random = randomFrom(3)
    const numbers = () => Array.from({ length: Math.floor(random() * 5) }, () => Math.floor(random() * 50))
    for (let count = 0; count < 500; count++) {
      const cancel = random() < 0.5 ? undefined : Math.floor(random() * 99)
      const again = cancel === undefined || random() < 0.5 ? undefined : cancel + 1
      const picks = numbers()
      while (picks.at(-1) === 0) picks.pop()
      const schedule = { cancel, again, pauses: numbers(), picks }
      expect(scheduleOf(tokenOf(schedule))).toEqual(Option.some(schedule))
    }
  })
})
