import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Arrival from "../../src/combinators/Arrival.ts"
import * as FirstWins from "../../src/combinators/FirstWins.ts"
import * as Race from "../../src/combinators/Race.ts"
import { RaceFailed } from "../../src/combinators/RaceFailed.ts"
import type { Undone } from "../../src/combinators/Undone.ts"
import type { Visit } from "../../src/combinators/Visit.ts"
import * as VisitState from "../../src/combinators/VisitState.ts"
import * as CancelReason from "../../src/fibers/CancelReason.ts"
import * as Nursery from "../../src/fibers/Nursery.ts"
import * as Stragglers from "../../src/fibers/Stragglers.ts"
import * as Task from "../../src/fibers/Task.ts"
import * as TaskOutcome from "../../src/fibers/TaskOutcome.ts"
import { Journal, textOf } from "../support/journal.ts"
import { type Leaks, leakChecked } from "../support/leaks.ts"
import { settle } from "../support/settle.ts"
import {
  after,
  ann,
  causeOf,
  cleanupOf,
  during,
  failing,
  failureOf,
  logged,
  resource,
  started,
  told,
  toldAll,
  waiter
} from "./telling.ts"

const quiet = { logLevel: "None" } as const

/** "email/send, email/ticket: Die:stuck". */
const undoneOf = (undone: ReadonlyArray<Undone>): ReadonlyArray<string> =>
  undone.map(({ failure, path, step }) => `${path}/${step}${failure === undefined ? "" : `: ${causeOf(failure)}`}`)

const arrivalText = (arrival: Arrival.Arrival): string =>
  Arrival.match(arrival, {
    Decided: ({ merge, winner }) => `${merge} decided by ${winner}`,
    AlreadyDecided: ({ merge, path, winner }) => `${path}: ${merge} already decided by ${winner}`,
    Undecided: ({ how, merge, path }) => `${path}: ${merge} ${how}`
  })

type Answer = "approved" | "denied"

/** A visit with two branches that wait for ever; answers the handle once both run. */
const openVisit = (
  journal: Journal,
  cleanup: Effect.Effect<unknown> = Effect.void,
  options: FirstWins.MergeOptions = quiet
) =>
  Effect.gen(function* () {
    const opened = yield* Deferred.make<Visit<Answer, "manual" | "email" | "phone">>()
    const fiber = yield* Effect.forkChild(
      FirstWins.make<Answer, "manual" | "email" | "phone">("approval", options).visit((visit) => ({
        email: Effect.andThen(Deferred.succeed(opened, visit), waiter(journal, "email", cleanup)),
        manual: waiter(journal, "manual", cleanup)
      }))
    )
    yield* settle
    return { fiber, visit: yield* Deferred.await(opened) }
  })

/** The loser does two steps, each of which can be undone; the winner arrives after 50. */
const steps = (
  journal: Journal,
  undo: {
    readonly first?: Effect.Effect<unknown, unknown>
    readonly second?: Effect.Effect<unknown, unknown>
  } = {},
  options: FirstWins.MergeOptions = quiet
) =>
  FirstWins.run(
    "m",
    (visit: Visit<string>) => ({
      loser: Effect.gen(function* () {
        yield* resource(journal, "file")
        yield* visit.compensate(undo.first ?? journal.note("undo first"), { step: "first" })
        yield* visit.compensate(undo.second ?? journal.note("undo second"), { step: "second" })
        yield* resource(journal, "socket")
        return yield* waiter(journal, "loser")
      }),
      winner: Effect.gen(function* () {
        yield* visit.compensate(journal.note("undo winner"))
        return yield* after(50, "won")
      })
    }),
    options
  )

/** What is undone when a visit whose two branches each did a step ends without a decision. */
const ending = (end: "fails" | "cancelled", undo: "losers" | "always") =>
  Effect.gen(function* () {
    const journal = new Journal()
    const task = yield* started(
      FirstWins.run(
        "m",
        (visit: Visit<number>) => ({
          one: Effect.andThen(visit.compensate(journal.note("undo one")), Effect.never),
          two: Effect.andThen(
            visit.compensate(journal.note("undo two")),
            end === "fails" ? failing(10, "no") : Effect.never
          )
        }),
        { ...quiet, undo }
      )
    )
    yield* TestClock.adjust(10)
    yield* Task.cancel(task, ann)
    return journal.lines
      .map((line) => line.slice(line.indexOf(" ") + 1))
      .toSorted()
      .join()
  })

/** The branches in the tree now. */
const inTree = (leaks: Leaks): string =>
  leaks.root
    .children()
    .flatMap((visit) => visit.children().map(({ name }) => name))
    .join()

const onePath = (journal: Journal) =>
  journal.watch("step", Effect.andThen(resource(journal, "file"), after(10, "done")))

const untimed = (journal: Journal): ReadonlyArray<string> => journal.lines.map((line) => line.replace(/^\d+/, ""))

describe("FirstWins", () => {
  describe("decision", () => {
    it.effect(
      "the first to arrive decides, and every other branch is told at once, without the clock (S0-01, S0-45, K23)",
      () =>
        leakChecked((leaks) =>
          Effect.gen(function* () {
            const journal = new Journal()
            const gate = yield* Deferred.make<string>()
            const fiber = yield* Effect.forkChild(
              FirstWins.run(
                "approval",
                () => ({
                  email: waiter(journal, "email"),
                  phone: waiter(journal, "phone"),
                  manual: Deferred.await(gate)
                }),
                quiet
              )
            )
            yield* settle
            yield* Deferred.succeed(gate, "approved")
            const report = yield* Fiber.join(fiber)
            expect(report).toMatchObject({ merge: "approval", winner: "manual", value: "approved", from: "branch" })
            expect(toldAll(report.losers)).toEqual({
              email: "cancelled after 0: lost-race by manual of approval",
              phone: "cancelled after 0: lost-race by manual of approval"
            })
            expect(journal.lines.toSorted()).toEqual([
              "0 email: lost-race by manual of approval",
              "0 phone: lost-race by manual of approval"
            ])
            // "Running fibers" shows none that waits for the loser.
            expect(leaks.root.live).toBe(0)
          })
        )
    )

    it.effect("a loser reads that a competing path won, at which merge, by whom (S0-02, K19)", () =>
      leakChecked(
        Effect.gen(function* () {
          let seen: CancelReason.CancelReason | undefined
          yield* FirstWins.run(
            "approval",
            () => ({
              email: Effect.onExit(Effect.never, () =>
                Effect.map(CancelReason.current, (reason) => {
                  seen = Option.getOrUndefined(reason)
                })
              ),
              manual: Effect.yieldNow
            }),
            quiet
          )
          expect([seen?.source, seen?.by, seen?.scope, seen?.message]).toEqual([
            "lost-race",
            "manual",
            "approval",
            "competing path won at approval"
          ])
        })
      )
    )

    it.effect("the visit keeps who won, and answers the same after its end (S0-02, S0-44)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { fiber, visit } = yield* openVisit(new Journal(), Effect.sleep(50))
          expect((yield* visit.state)._tag).toBe("Open")
          yield* visit.arrive("manual", "approved")
          const decided = yield* visit.state
          expect(decided).toMatchObject({ _tag: "Decided", merge: "approval", winner: "manual" })
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(50)
          yield* Fiber.join(fiber)
          expect(yield* visit.state).toEqual(decided)
          expect(yield* Schema.encodeEffect(Schema.toCodecJson(VisitState.VisitState))(decided)).toEqual({
            _tag: "Decided",
            merge: "approval",
            winner: "manual",
            at: "1970-01-01T00:00:00.000Z"
          })
        })
      )
    )

    it.effect(
      "the order: decided, losers told, their clean-up, out of the tree, then the winner goes on (S0-10, S0-11, S0-12, S0-13, S0-47)",
      () =>
        leakChecked((leaks) =>
          Effect.gen(function* () {
            const journal = new Journal()
            yield* FirstWins.run(
              "approval",
              (visit: Visit<string>) => ({
                email: Effect.onExit(Effect.never, () =>
                  Effect.gen(function* () {
                    yield* journal.note(`told: ${(yield* visit.state)._tag}, tree has ${inTree(leaks)}`)
                  })
                ),
                manual: Effect.as(Effect.yieldNow, "approved")
              }),
              quiet
            )
            yield* journal.note(`goes on, tree has ${inTree(leaks)}`)
            expect(journal.lines).toEqual(["0 told: Decided, tree has email", "0 goes on, tree has "])
          })
        )
    )

    it.effect(
      "a loser two steps upstream is stopped where it is, and nothing after it runs (S0x-01, S0-14, S0-09)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            let arrived = 0
            const fiber = yield* Effect.forkChild(
              FirstWins.run(
                "approval",
                () => ({
                  email: Effect.gen(function* () {
                    yield* journal.watch("send", Effect.sleep(1000))
                    yield* journal.note("wait for the answer")
                    yield* Effect.sleep(1000)
                    arrived++
                  }),
                  manual: Effect.map(Effect.sleep(10), () => arrived++)
                }),
                quiet
              )
            )
            yield* TestClock.adjust(10)
            expect((yield* Fiber.join(fiber)).winner).toBe("manual")
            yield* TestClock.adjust(5000)
            expect(journal.lines).toEqual(["10 send: lost-race by manual of approval"])
            expect(arrived).toBe(1)
          })
        )
    )

    it.effect(
      "the whole branch is stopped: its tasks as well as the fibers that Effect forked in it (S0-46, K18)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            yield* FirstWins.run(
              "approval",
              () => ({
                email: Nursery.run("sending", (nursery: Nursery.Nursery) =>
                  Effect.andThen(
                    nursery.spawn("task", waiter(journal, "task")),
                    Effect.all([waiter(journal, "fiber"), Effect.timeout(waiter(journal, "timed"), 1000)], {
                      concurrency: "unbounded",
                      discard: true
                    })
                  )
                ).pipe(Effect.orDie),
                manual: settle
              }),
              quiet
            )
            expect(journal.lines.filter((line) => line.includes("lost-race")).toSorted()).toEqual([
              "0 fiber: lost-race by manual of approval",
              "0 task: lost-race by manual of approval",
              "0 timed: lost-race by manual of approval"
            ])
          })
        )
    )

    it.effect(
      "a denial wins like an approval: it is a value, and what follows an approval does not run (S0-72, S0-48)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const playbook = Effect.gen(function* () {
              const { value, winner } = yield* FirstWins.run(
                "approval",
                () => ({
                  email: after<Answer>(10, "denied"),
                  manual: after<Answer>(20, "approved")
                }),
                quiet
              )
              if (value === "approved") yield* journal.note("contain the host")
              return `${value} by ${winner}`
            })
            expect(yield* during(20, playbook)).toBe("denied by email")
            expect(journal.lines).toEqual([])
          })
        )
    )

    it.effect("two that arrive in one tick: the first in order wins, the other is late, not lost (S0-83, K24)", () =>
      leakChecked(
        Effect.gen(function* () {
          const gate = yield* Deferred.make<void>()
          const fiber = yield* Effect.forkChild(
            FirstWins.run(
              "m",
              () => ({
                one: Effect.as(Deferred.await(gate), 1),
                two: Effect.as(Effect.uninterruptible(Deferred.await(gate)), 2)
              }),
              quiet
            )
          )
          yield* settle
          yield* Deferred.succeed(gate, undefined)
          const report = yield* Fiber.join(fiber)
          expect(report).toMatchObject({ winner: "one", value: 1 })
          expect(Object.keys(report.losers)).toEqual(["two"])
        })
      )
    )

    it.effect("none starts when an earlier one decided at once (K23, K24)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* FirstWins.run("m", () => ({ one: Effect.succeed(1), two: Effect.die("never") }), quiet)
          expect([report.winner, told(report.losers.two)]).toEqual(["one", "not started"])
        })
      )
    )

    it.effect("a single path is what it would be alone (S0-90, S0-91)", () =>
      leakChecked(
        Effect.gen(function* () {
          const plain = new Journal()
          const merged = new Journal()
          expect(yield* during(10, Effect.scoped(onePath(plain)))).toBe("done")
          const report = yield* during(10, Effect.scoped(FirstWins.run("m", () => ({ only: onePath(merged) }))))
          expect([report.value, report.losers, report.undone]).toEqual(["done", {}, []])
          expect(untimed(merged)).toEqual(untimed(plain))
        })
      )
    )

    it.effect("the winner's resources outlive the merge, a loser's are released before it returns (K27)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          yield* Effect.scoped(
            Effect.gen(function* () {
              yield* FirstWins.run(
                "m",
                (visit: Visit<string>) => ({
                  winner: Effect.andThen(
                    Effect.andThen(visit.compensate(journal.note("undone")), resource(journal, "kept")),
                    Effect.as(Effect.yieldNow, "w")
                  ),
                  loser: Effect.andThen(resource(journal, "lost"), Effect.never)
                }),
                quiet
              )
              yield* journal.note("after the merge")
            })
          )
          expect(journal.lines).toEqual([
            "0 kept acquired",
            "0 lost acquired",
            "0 lost released",
            "0 after the merge",
            "0 kept released"
          ])
        })
      )
    )

    it.effect("the same merge in a loop: each visit has a state of its own (S0x-03)", () =>
      leakChecked(
        Effect.gen(function* () {
          const merge = FirstWins.make<string>("approval", quiet)
          const winners: Array<string> = []
          for (const [email, manual] of [
            [10, 20],
            [20, 10],
            [10, 20]
          ] as const) {
            const report = yield* during(
              20,
              merge.visit({ email: after(email, "by mail"), manual: after(manual, "by hand") })
            )
            winners.push(`${report.winner} ${report.value}`)
          }
          expect(winners).toEqual(["email by mail", "manual by hand", "email by mail"])
        })
      )
    )

    it.effect("two visits of one merge at once do not touch each other (S0x-03, S0x-04)", () =>
      leakChecked(
        Effect.gen(function* () {
          const merge = FirstWins.make<number>("m", quiet)
          const both = Effect.all(
            [merge.visit({ a: after(10, 1), b: after(30, 2) }), merge.visit({ a: after(30, 3), b: after(20, 4) })],
            { concurrency: "unbounded" }
          )
          expect((yield* during(30, both)).map(({ value, winner }) => `${winner}${value}`)).toEqual(["a1", "b4"])
        })
      )
    )
  })

  describe("arrive", () => {
    it.effect(
      "an arrival from outside decides; the branch of that path is told that its value is there (S0-48, K19)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const { fiber, visit } = yield* openVisit(journal)
            expect(arrivalText(yield* visit.arrive("manual", "approved"))).toBe("approval decided by manual")
            const report = yield* Fiber.join(fiber)
            expect(report).toMatchObject({ winner: "manual", value: "approved", from: "outside" })
            expect(toldAll(report.losers)).toEqual({ email: "cancelled after 0: lost-race by manual of approval" })
            expect(journal.lines.toSorted()).toEqual([
              "0 email: cleaned up",
              "0 email: lost-race by manual of approval",
              "0 manual: cleaned up",
              "0 manual: scope-closed by approval of manual"
            ])
          })
        )
    )

    it.effect("a path that is no branch may arrive as well", () =>
      leakChecked(
        Effect.gen(function* () {
          const { fiber, visit } = yield* openVisit(new Journal())
          yield* visit.arrive("phone", "denied")
          const report = yield* Fiber.join(fiber)
          expect([report.winner, report.value, Object.keys(report.losers)]).toEqual([
            "phone",
            "denied",
            ["email", "manual"]
          ])
        })
      )
    )

    it.effect("whoever is late is told who was first, while losers clean up and after the end (S0-02, S0-09)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { fiber, visit } = yield* openVisit(new Journal(), Effect.sleep(50))
          yield* visit.arrive("manual", "approved")
          const during = yield* visit.arrive("email", "denied")
          expect(arrivalText(during)).toBe("email: approval already decided by manual")
          expect(yield* Schema.encodeEffect(Schema.toCodecJson(Arrival.Arrival))(during)).toEqual({
            _tag: "AlreadyDecided",
            path: "email",
            merge: "approval",
            winner: "manual",
            at: "1970-01-01T00:00:00.000Z"
          })
          yield* TestClock.adjust(50)
          expect((yield* Fiber.join(fiber)).value).toBe("approved")
          expect(arrivalText(yield* visit.arrive("manual", "denied"))).toBe(
            "manual: approval already decided by manual"
          )
        })
      )
    )

    it.effect("an arrival after a branch has won is late (S0-83)", () =>
      leakChecked(
        Effect.gen(function* () {
          let handle: Visit<string, "phone"> | undefined
          yield* FirstWins.run("m", (visit: Visit<string, "phone">) => {
            handle = visit
            return { one: Effect.succeed("1") }
          })
          expect(arrivalText(yield* handle!.arrive("phone", "2"))).toBe("phone: m already decided by one")
        })
      )
    )

    it.effect("a visit that was cancelled, or that failed, is undecided: no arrival counts", () =>
      leakChecked(
        Effect.gen(function* () {
          const { fiber, visit } = yield* openVisit(new Journal(), Effect.sleep(50))
          yield* Effect.forkChild(Fiber.interrupt(fiber))
          yield* settle
          expect(arrivalText(yield* visit.arrive("manual", "approved"))).toBe("manual: approval cancelled")
          expect(yield* visit.state).toEqual({ _tag: "Undecided", merge: "approval", how: "cancelled" })
          yield* TestClock.adjust(50)
          let failed: Visit<string, "phone"> | undefined
          yield* Effect.flip(
            FirstWins.run("m", (visit: Visit<string, "phone">) => {
              failed = visit
              return { one: Effect.fail("no") }
            })
          )
          expect(arrivalText(yield* failed!.arrive("phone", "2"))).toBe("phone: m failed")
        })
      )
    )

    it.effect(
      "nor does one while the others of a branch that failed have their grace, or after none was left (K9, K23)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const arrivals: Array<string> = []
            let visit: Visit<string, "phone"> | undefined
            const arriving = Effect.andThen(
              Effect.sleep(20),
              Effect.suspend(() =>
                Effect.map(visit!.arrive("phone", "2"), (arrival) => arrivals.push(arrivalText(arrival)))
              )
            )
            const failed = FirstWins.run(
              "m",
              (handle: Visit<string, "phone">) => {
                visit = handle
                return { bad: failing(10, "no"), polite: Effect.andThen(Task.awaitRequest, after(20, "bye")) }
              },
              { ...quiet, grace: 50 }
            )
            const [exit] = yield* during(100, Effect.all([Effect.exit(failed), arriving], { concurrency: 2 }))
            expect(failureOf(exit)).toBe("Fail:no")
            const none = FirstWins.run(
              "m",
              (handle: Visit<string, "phone">) => {
                visit = handle
                return { bad: Effect.fail("no") }
              },
              { ...quiet, onFailure: "fail-branch" }
            )
            expect((yield* Effect.flip(none))._tag).toBe("RaceFailed")
            yield* during(20, arriving)
            const torn = FirstWins.run(
              "m",
              (handle: Visit<string, "phone">) => {
                visit = handle
                return { other: Effect.never, bad: Effect.fail("no") }
              },
              quiet
            )
            yield* Effect.flip(torn)
            yield* during(20, arriving)
            expect(arrivals).toEqual(["phone: m failed", "phone: m failed", "phone: m failed"])
          })
        )
    )

    it.effect(
      "the branch for which somebody arrived is awaited as a loser is, and is no straggler of the report (K25)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const lines: Array<string> = []
            const { fiber, visit } = yield* logged(openVisit(journal, Effect.sleep(500), {}), lines)
            yield* visit.arrive("manual", "approved")
            yield* TestClock.adjust(100)
            const report = yield* Fiber.join(fiber)
            expect([report.winner, report.stragglers]).toEqual(["manual", ["email"]])
            yield* TestClock.adjust(500)
            expect(lines).toEqual([
              'Info Path "email" (1 of 2) was cancelled: competing path won at approval (manual): '
            ])
          })
        )
    )

    it.effect("a bound of one's own is the bound, and a loser that has ended is no straggler (K25)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const merge = FirstWins.run(
            "m",
            () => ({
              quick: after(10, 1),
              slow: waiter(journal, "slow", Effect.sleep(500)),
              calm: Effect.never
            }),
            { ...quiet, giveUp: 30 }
          )
          const report = yield* during(40, merge)
          expect(report.stragglers).toEqual(["slow"])
          yield* TestClock.adjust(500)
        })
      )
    )

    it.effect("a cancel of a branch that there is not names it (S0-33)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { fiber, visit } = yield* openVisit(new Journal())
          expect(yield* visit.cancel("nobody")).toEqual({ _tag: "NotFound", id: "nobody" })
          yield* Fiber.interrupt(fiber)
        })
      )
    )

    it.effect("a branch may arrive for another path; it loses then itself", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* FirstWins.run(
            "m",
            (visit: Visit<string, "phone">) => ({
              operator: Effect.andThen(visit.arrive("phone", "yes"), Effect.never),
              never: Effect.never
            }),
            quiet
          )
          expect([report.winner, report.value, report.from]).toEqual(["phone", "yes", "outside"])
          expect(toldAll(report.losers)).toEqual({
            operator: "cancelled after 0: lost-race by phone of m",
            never: "not started"
          })
        })
      )
    )

    it.effect("a value of the branch that comes after the arrival for it is kept on the task (K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          let handle: Visit<string, "one"> | undefined
          const task = yield* started(
            FirstWins.run(
              "m",
              (visit: Visit<string, "one">) => {
                handle = visit
                return { one: Effect.andThen(Task.awaitRequest, after(5, "inside")), two: Effect.never }
              },
              { ...quiet, grace: 20 }
            )
          )
          yield* handle!.arrive("one", "outside")
          yield* TestClock.adjust(20)
          const outcome = yield* Task.await(task)
          expect(outcome._tag === "Completed" && outcome.value.value).toBe("outside")
          expect(outcome.salvaged).toEqual([{ scope: "m", value: { late: "one", value: "inside" } }])
        })
      )
    )

    it.effect("what fails in the clean-up of the branch of that path is on the task's outcome (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          let handle: Visit<string, "one"> | undefined
          const task = yield* started(
            logged(
              FirstWins.run(
                "m",
                (visit: Visit<string, "one">) => {
                  handle = visit
                  return { one: Effect.ensuring(Effect.never, Effect.die("dirty")) }
                },
                quiet
              ),
              []
            )
          )
          yield* handle!.arrive("one", "outside")
          expect(cleanupOf((yield* Task.await(task)).cleanupFailures)).toBe("; clean-up of one: Die:dirty")
        })
      )
    )
  })

  describe("losers", () => {
    it.effect("are awaited, but no longer than 0.1 s: who has not ended is named a straggler (S0-24, S0-25, K25)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const { fiber, visit } = yield* openVisit(journal, Effect.sleep(10_000))
          yield* visit.arrive("phone", "approved")
          yield* TestClock.adjust(99)
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          const report = yield* Fiber.join(fiber)
          expect(report.stragglers).toEqual(["email", "manual"])
          expect(told(report.losers.email)).toBe("abandoned after 100: lost-race by phone of approval")
          expect((yield* Stragglers.list).map(({ path }) => path)).toEqual(["approval/manual", "approval/email"])
          yield* TestClock.adjust(9900)
          expect(yield* Stragglers.list).toEqual([])
        })
      )
    )

    it.effect("with a grace of one's own the 0.1 s come after it (K12)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { fiber, visit } = yield* openVisit(new Journal(), Effect.sleep(10_000), { ...quiet, grace: 200 })
          yield* visit.arrive("phone", "approved")
          yield* TestClock.adjust(299)
          expect(fiber.pollUnsafe()).toBeUndefined()
          yield* TestClock.adjust(1)
          expect((yield* Fiber.join(fiber)).stragglers).toHaveLength(2)
          yield* TestClock.adjust(10_000)
        })
      )
    )

    it.effect(
      "a caller that is interrupted while losers clean up orphans none, and the decision is kept (S0-84, K26)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const task = yield* started(
              FirstWins.run(
                "approval",
                () => ({
                  email: waiter(journal, "email", Effect.sleep(50)),
                  manual: Effect.as(Effect.yieldNow, "approved")
                }),
                quiet
              )
            )
            const cancelling = yield* Effect.forkChild(
              Effect.andThen(Task.cancel(task, ann), journal.note("cancelled"))
            )
            yield* TestClock.adjust(50)
            yield* Fiber.join(cancelling)
            expect(journal.lines).toEqual([
              "0 email: lost-race by manual of approval",
              "50 email: cleaned up",
              "50 cancelled"
            ])
            expect((yield* Task.await(task)).salvaged).toEqual([
              { scope: "approval", value: { winner: "manual", value: "approved" } }
            ])
          })
        )
    )

    it.effect("the same for a decision from outside, and a native interrupt with no task around (S0-84, K26)", () =>
      leakChecked(
        Effect.gen(function* () {
          const { fiber, visit } = yield* openVisit(new Journal(), Effect.sleep(50))
          yield* visit.arrive("phone", "denied")
          yield* Effect.forkChild(Fiber.interrupt(fiber))
          yield* TestClock.adjust(50)
          const exit = yield* Fiber.await(fiber)
          expect(Exit.isFailure(exit) && TaskOutcome.salvagedIn(exit.cause)).toEqual([
            { scope: "approval", value: { winner: "phone", value: "denied" } }
          ])
          expect(arrivalText(yield* visit.arrive("manual", "approved"))).toBe(
            "manual: approval already decided by phone"
          )
        })
      )
    )

    it.effect("a cancel from above reaches every branch with its own reason (K8, K18)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const task = yield* started(
            FirstWins.run("m", () => ({ one: waiter(journal, "one"), two: waiter(journal, "two") }), quiet)
          )
          yield* Task.cancel(task, ann)
          expect(journal.lines.filter((line) => line.includes("request")).toSorted()).toEqual([
            "0 one: request by ann of task",
            "0 two: request by ann of task"
          ])
        })
      )
    )

    it.effect(
      "branches are cancelled one by one without breaking the others, which go on to decide (S0-33, S0-60, S0-74, S0-79)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            let handle: Visit<string> | undefined
            const fiber = yield* Effect.forkChild(
              FirstWins.run(
                "m",
                (visit: Visit<string>) => {
                  handle = visit

                  return {
                    a: journal.watch("a", after(10, "a")),
                    b: journal.watch("b", after(20, "b")),
                    c: journal.watch("c", after(30, "c")),
                    d: journal.watch("d", after(40, "d")),
                    e: journal.watch("e", after(50, "e"))
                  }
                },
                quiet
              )
            )
            yield* settle
            expect((yield* handle!.cancel("a", ann))._tag).toBe("Cancelled")
            expect((yield* handle!.cancel("b"))._tag).toBe("Cancelled")
            expect((yield* handle!.cancel("x"))._tag).toBe("NotFound")
            yield* TestClock.adjust(50)
            const report = yield* Fiber.join(fiber)
            expect([report.winner, report.value]).toEqual(["c", "c"])
            expect(toldAll(report.losers)).toEqual({
              a: "cancelled after 0: request by ann of a",
              b: "cancelled after 0: request of b",
              d: "cancelled after 0: lost-race by c of m",
              e: "cancelled after 0: lost-race by c of m"
            })
          })
        )
    )

    it.effect(
      "each is logged with a line of its own, as expected rather than as an error, with its place (S0-34, S0-80)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const lines: Array<string> = []
            yield* logged(
              FirstWins.run("approval", () => ({
                email: Effect.never,
                manual: Effect.yieldNow,
                phone: Effect.never
              })),
              lines
            )
            expect(lines.toSorted()).toEqual([
              'Info Path "email" (1 of 3) was cancelled: competing path won at approval (manual): ',
              'Info Path "phone" (3 of 3) was cancelled: competing path won at approval (manual): '
            ])
          })
        )
    )
  })

  describe("failure", () => {
    it.effect(
      "of a branch fails the run, typed, and the others are told by whom: it is never swallowed (S0x-02, K19)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const fiber = yield* Effect.forkChild(
              Effect.flip(
                FirstWins.run("m", () => ({ bad: failing(10, "no"), good: journal.watch("good", after(20, 1)) }), quiet)
              )
            )
            yield* TestClock.adjust(10)
            expect(yield* Fiber.join(fiber)).toBe("no")
            expect(journal.lines).toEqual(["10 good: sibling-failed by bad of m"])
          })
        )
    )

    it.effect("Effect.race drops the failure of a branch when another succeeds (S0x-02)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const value = yield* during(20, logged(Effect.race(failing(10, "no"), after(20, 1)), lines))
          expect([value, lines]).toEqual([1, []])
        })
      )
    )

    it.effect("with fail-branch the branch is out, stands in the report, and the others decide (S0x-02)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* during(
            20,
            FirstWins.run("m", () => ({ bad: failing(10, "no"), good: after(20, 1) }), {
              ...quiet,
              onFailure: "fail-branch"
            })
          )
          expect([report.winner, toldAll(report.losers)]).toEqual(["good", { bad: "failed: Fail:no" }])
        })
      )
    )

    it.effect("with fail-branch and none left the visit fails with every failure (S0x-28, K23)", () =>
      leakChecked(
        Effect.gen(function* () {
          const error = yield* Effect.flip(
            during(
              20,
              FirstWins.run("m", () => ({ one: failing(20, "no"), two: failing(10, "never") }), {
                onFailure: "fail-branch"
              })
            )
          )
          expect(error).toBeInstanceOf(RaceFailed)
          expect(error.failures.map(({ cause, member }) => `${member}: ${causeOf(cause)}`)).toEqual([
            "one: Fail:no",
            "two: Fail:never"
          ])
        })
      )
    )

    it.effect("a boundary handler goes on in the place of the branch, and may arrive for it (S0x-02)", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* during(
            30,
            FirstWins.run("m", () => ({ email: failing(10, "bounced"), manual: after(100, "by hand") }), {
              ...quiet,
              onFailure: ({ cause, path }) => after(5, `${path}: ${causeOf(cause)}`)
            })
          )
          expect([report.winner, report.value]).toEqual(["email", "email: Fail:bounced"])
        })
      )
    )

    it.effect("a failure of the handler fails the run (S0x-02)", () =>
      leakChecked(
        Effect.gen(function* () {
          const exit = yield* Effect.exit(
            FirstWins.run("m", () => ({ email: Effect.fail("bounced"), manual: Effect.never }), {
              ...quiet,
              onFailure: () => Effect.fail("no mail, no hand")
            })
          )
          expect(failureOf(exit)).toBe("Fail:no mail, no hand")
        })
      )
    )

    it.effect("a handler is not asked for a branch that is cancelled or interrupts itself", () =>
      leakChecked(
        Effect.gen(function* () {
          let asked = 0
          const report = yield* during(
            20,
            FirstWins.run("m", () => ({ self: Effect.interrupt, loser: Effect.never, good: after(20, 1) }), {
              ...quiet,
              onFailure: () => Effect.sync(() => ++asked)
            })
          )
          expect([report.winner, asked]).toEqual(["good", 0])
          expect(toldAll(report.losers)).toEqual({
            self: "cooperative after 0: interrupt of self",
            loser: "cancelled after 0: lost-race by good of m"
          })
        })
      )
    )

    it.effect(
      "failures of one turn all leave, in the order of the input; a success after the first counts no more (K29)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const gate = yield* Deferred.make<void>()
            const task = yield* started(
              FirstWins.run(
                "m",
                () => ({
                  one: Effect.andThen(Deferred.await(gate), Effect.fail("first")),
                  two: Effect.as(Deferred.await(gate), 2),
                  three: Effect.andThen(Deferred.await(gate), Effect.die("bug"))
                }),
                quiet
              )
            )
            yield* Deferred.succeed(gate, undefined)
            yield* settle
            const outcome = yield* Task.await(task)
            expect(outcome._tag === "Failed" && causeOf(outcome.cause)).toBe("Fail:first, Die:bug")
            expect(outcome.salvaged).toEqual([{ scope: "m", value: { late: "two", value: 2 } }])
          })
        )
    )

    it.effect("failures of one turn leave in the order of the input, whoever failed first (K29)", () =>
      leakChecked(
        Effect.gen(function* () {
          const go = yield* Deferred.make<void>()
          const a = Effect.andThen(Effect.andThen(Deferred.await(go), Effect.yieldNow), Effect.fail("a"))
          const b = Effect.andThen(
            Effect.sleep(10),
            Effect.suspend(() => {
              Deferred.doneUnsafe(go, Effect.void)
              return Effect.fail("b")
            })
          )
          const exit = yield* during(20, Effect.exit(FirstWins.run("m", () => ({ a, b }), quiet)))
          expect(failureOf(exit)).toBe("Fail:a, Fail:b")
        })
      )
    )

    it.effect(
      "the others have the patience of the merge; one that fails then is too late for the cause, but kept (K12, K16, K29)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const lines: Array<string> = []
            const late = Effect.andThen(Task.awaitRequest, failing(5, "late"))
            const merge = FirstWins.run("m", () => ({ bad: failing(10, "no"), late }), { ...quiet, grace: 50 })
            const task = yield* started(logged(Effect.exit(merge), lines))
            yield* TestClock.adjust(20)
            const outcome = yield* Task.await(task)
            expect(outcome._tag === "Completed" && failureOf(outcome.value)).toBe("Fail:no")
            expect(cleanupOf(outcome.cleanupFailures)).toBe("; clean-up of late: Fail:late")
            expect(lines).toEqual(['Warn Clean-up of "late" failed: Fail:late'])
          })
        )
    )

    it.effect("a defect that fails the run is not logged as that of a loser (K24)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const merge = FirstWins.run("m", () => ({ bad: Effect.die("broken"), other: Effect.never }), quiet)
          expect(failureOf(yield* logged(Effect.exit(merge), lines))).toBe("Die:broken")
          expect(lines).toEqual([])
        })
      )
    )

    it.effect("a hook's failure is kept on the task where no branch is left (K16, S0-86)", () =>
      leakChecked(
        Effect.gen(function* () {
          const merge = FirstWins.run(
            "m",
            (visit: Visit<never>) => ({
              bad: Effect.andThen(visit.compensate(Effect.die("stuck")), Effect.fail("no"))
            }),
            { ...quiet, onFailure: "fail-branch" }
          )
          const task = yield* started(logged(Effect.exit(merge), []))
          const outcome = yield* Task.await(task)
          expect(cleanupOf(outcome.cleanupFailures)).toBe("; clean-up of bad: Die:stuck")
        })
      )
    )

    it.effect("a branch that a cancel gave up on is one of the failures when none is left (K23, K25)", () =>
      leakChecked(
        Effect.gen(function* () {
          let visit: Visit<never> | undefined
          const merge = FirstWins.run(
            "m",
            (handle: Visit<never>) => {
              visit = handle
              return { slow: Effect.onInterrupt(Effect.never, () => Effect.sleep(100)) }
            },
            { ...quiet, onFailure: "fail-branch" }
          )
          const fiber = yield* Effect.forkChild(Effect.flip(merge))
          yield* settle
          yield* during(10, visit!.cancel("slow", { ...ann, giveUp: 10 }))
          const error = yield* Fiber.join(fiber)
          expect(error.failures.map(({ member, cause }) => `${member} ${causeOf(cause)}`)).toEqual(["slow Interrupt"])
          yield* TestClock.adjust(100)
        })
      )
    )

    it.effect("a failure whose caller is cancelled in the same turn is on the task's outcome (K16, S0x-02)", () =>
      leakChecked(
        Effect.gen(function* () {
          const gate = yield* Deferred.make<void>()
          const task = yield* started(
            logged(
              FirstWins.run(
                "m",
                () => ({ bad: Effect.andThen(Deferred.await(gate), Effect.fail("no")), other: Effect.never }),
                quiet
              ),
              []
            )
          )
          // The waiter on the gate fails in this very step.
          yield* Deferred.succeed(gate, undefined)
          const result = yield* Task.cancel(task, ann)
          expect(result._tag).toBe("Cancelled")
          expect(cleanupOf((yield* Task.await(task)).cleanupFailures)).toBe("; clean-up of bad: Fail:no")
        })
      )
    )

    it.effect("a failure that comes after the decision stands in the report", () =>
      leakChecked(
        Effect.gen(function* () {
          const report = yield* during(
            100,
            FirstWins.run(
              "m",
              () => ({
                loser: Effect.onInterrupt(Effect.never, () => Effect.die("dirty")),
                late: Effect.andThen(Task.awaitRequest, failing(5, "no")),
                winner: after(10, 1)
              }),
              { ...quiet, grace: 20 }
            )
          )
          expect(toldAll(report.losers)).toEqual({
            loser: "cancelled after 20: lost-race by winner of m; clean-up of loser: Die:dirty",
            late: "failed: Fail:no"
          })
        })
      )
    )

    it.effect(
      "a branch that does not exist is a defect of that branch, and no branches at all are RaceFailed (K23)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const exit = yield* Effect.exit(FirstWins.run("m", () => ({ bad: undefined as never }), quiet))
            expect(failureOf(exit)).toBe("Die:TypeError")
            expect(yield* Effect.flip(FirstWins.run("m", () => ({})))).toBeInstanceOf(RaceFailed)
          })
        )
    )
  })

  describe("undo", () => {
    it.effect(
      "the hooks of a loser run in reverse order after its own finalizers, those of the winner never (S0-86)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const report = yield* during(50, Effect.scoped(steps(journal)))
            expect(journal.lines).toEqual([
              "0 file acquired",
              "0 socket acquired",
              "50 loser: lost-race by winner of m",
              "50 socket released",
              "50 file released",
              "50 undo second",
              "50 undo first"
            ])
            expect(undoneOf(report.undone)).toEqual(["loser/second", "loser/first"])
          })
        )
    )

    it.effect(
      "one that fails, dies or interrupts itself stands in the report and stops none of the others (S0-86)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const lines: Array<string> = []
            const journal = new Journal()
            const report = yield* during(
              50,
              logged(steps(journal, { second: Effect.fail("gone already") }, quiet), lines).pipe(Effect.scoped)
            )
            expect(undoneOf(report.undone)).toEqual(["loser/second: Fail:gone already", "loser/first"])
            expect(told(report.losers.loser)).toBe("cancelled after 0: lost-race by winner of m")
            expect(lines).toEqual(['Warn Undoing "second" of the path "loser" failed: Fail:gone already'])
            const worse = yield* during(
              50,
              logged(steps(journal, { first: Effect.interrupt, second: Effect.die("bug") }), []).pipe(Effect.scoped)
            )
            expect(undoneOf(worse.undone)).toEqual(["loser/second: Die:bug", "loser/first: Interrupt"])
          })
        )
    )

    it.effect("one that hangs is interrupted when its time is over, and the next runs (S0-86)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const lines: Array<string> = []
          const report = yield* during(
            100,
            logged(
              steps(
                journal,
                { second: journal.watch("hangs", Effect.never) },
                { ...quiet, undoWithin: 20, giveUp: 1000 }
              ),
              lines
            ).pipe(Effect.scoped)
          )
          expect(undoneOf(report.undone)).toEqual(["loser/second: Fail:HookTimedOut", "loser/first"])
          expect(journal.lines.slice(-2)).toEqual(["70 hangs: lost-race by winner of m", "70 undo first"])
          expect(String(Cause.squash(report.undone[0]!.failure!))).toContain('"second" of the path "loser"')
        })
      )
    )

    it.effect(
      "they are bounded with the loser: what is not undone after 0.1 s goes on as a straggler, to its end (S0-25)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            const fiber = yield* Effect.forkChild(
              Effect.scoped(steps(journal, { second: Effect.andThen(Effect.sleep(500), journal.note("undo second")) }))
            )
            yield* TestClock.adjust(150)
            const report = yield* Fiber.join(fiber)
            expect([report.stragglers, report.undone]).toEqual([["loser"], []])
            yield* TestClock.adjust(400)
            expect(journal.lines.slice(-2)).toEqual(["550 undo second", "550 undo first"])
            // What ends later does not change the report.
            expect(report.undone).toEqual([])
          })
        )
    )

    it.effect(
      "a hook reads why its branch lost, and which path won, whichever scope of the branch registers it (S0-86, K18)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const read: Array<string> = []
            yield* during(
              10,
              FirstWins.run(
                "m",
                (visit: Visit<number>) => {
                  const hook = Effect.gen(function* () {
                    const state = yield* visit.state
                    const reason = Option.getOrThrow(yield* CancelReason.current)
                    read.push(`${textOf(reason)}, ${state._tag === "Decided" ? state.winner : "?"}`)
                  })
                  return {
                    loser: Effect.andThen(visit.compensate(hook), Effect.never),
                    nested: Effect.andThen(
                      Nursery.run("steps", (nursery: Nursery.Nursery) =>
                        nursery.spawn("step", visit.compensate(hook))
                      ).pipe(Effect.orDie),
                      Effect.never
                    ),
                    winner: after(10, 1)
                  }
                },
                quiet
              )
            )
            expect(read).toEqual(["lost-race by winner of m, winner", "lost-race by winner of m, winner"])
          })
        )
    )

    it.effect("a hook or a step may have a bound of its own (S0-86)", () =>
      leakChecked(
        Effect.gen(function* () {
          const merge = FirstWins.run(
            "m",
            (visit: Visit<number>) => ({
              loser: Effect.gen(function* () {
                yield* visit.compensate(Effect.never, { step: "hook", within: 20 })
                yield* visit.step("step", Effect.void, () => Effect.never, { within: 30 })
                return yield* Effect.never
              }),
              winner: after(10, 1)
            }),
            quiet
          )
          const report = yield* during(60, logged(merge, []))
          expect(undoneOf(report.undone)).toEqual(["loser/step: Fail:HookTimedOut", "loser/hook: Fail:HookTimedOut"])
        })
      )
    )

    it.effect("a hook belongs to the branch, from however deep it is registered (S0-86)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            10,
            FirstWins.run(
              "m",
              (visit: Visit<number>) => ({
                loser: Effect.andThen(
                  Race.firstSuccess([visit.compensate(journal.note("undone"), { step: "deep" })]),
                  Effect.never
                ),
                winner: after(10, 1)
              }),
              quiet
            )
          )
          expect([undoneOf(report.undone), journal.lines]).toEqual([["loser/deep"], ["10 undone"]])
        })
      )
    )

    it.effect("a hook that the clean-up of a winner registers never runs (S0-86)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const nursery = yield* Nursery.make<unknown>("top")
          const body = FirstWins.run(
            "m",
            (visit: Visit<number>) => ({
              winner: Effect.as(Effect.ensuring(Effect.void, visit.compensate(journal.note("undone early"))), 1).pipe(
                Effect.tap(() => Effect.addFinalizer(() => visit.compensate(journal.note("undone late"))))
              )
            }),
            quiet
          )
          const task = yield* nursery.spawn("task", Effect.scoped(body))
          expect((yield* Task.join(task)).undone).toEqual([])
          expect([journal.lines, (yield* Task.await(task)).cleanupFailures]).toEqual([[], []])
        })
      )
    )

    it.effect("a step and its hook are one: no cancel comes between (K15)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            100,
            FirstWins.run(
              "m",
              (visit: Visit<number>) => ({
                loser: Effect.andThen(
                  visit.step("ticket", Effect.as(Effect.andThen(Effect.sleep(20), journal.note("opened")), 7), (id) =>
                    journal.note(`closed ${id}`)
                  ),
                  Effect.as(journal.note("never"), 0)
                ),
                winner: after(10, 1)
              }),
              quiet
            )
          )
          expect(journal.lines).toEqual(["20 opened", "20 closed 7"])
          expect(undoneOf(report.undone)).toEqual(["loser/ticket"])
        })
      )
    )

    it.effect("an interruptible step is stopped at once, and there is nothing to undo (S0-11)", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            100,
            FirstWins.run(
              "m",
              (visit: Visit<number>) => ({
                loser: visit.step("ticket", waiter(journal, "open"), () => journal.note("closed"), {
                  interruptible: true
                }),
                winner: after(10, 1)
              }),
              quiet
            )
          )
          expect(journal.lines).toEqual(["10 open: lost-race by winner of m"])
          expect(report.undone).toEqual([])
        })
      )
    )

    it.effect("a branch that came late has lost too: its steps are undone", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const report = yield* during(
            100,
            FirstWins.run(
              "m",
              (visit: Visit<number>) => ({
                late: Effect.andThen(
                  visit.compensate(journal.note("undone")),
                  Effect.andThen(Task.awaitRequest, after(5, 2))
                ),
                winner: after(10, 1)
              }),
              { ...quiet, grace: 20 }
            )
          )
          expect(told(report.losers.late)).toBe("late after 5: 2")
          expect(journal.lines).toEqual(["15 undone"])
        })
      )
    )

    it.effect(
      "a branch that is out alone undoes its steps at once: failed with fail-branch, or cancelled (S0-86)",
      () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            let handle: Visit<number> | undefined
            const branch = (visit: Visit<number>, name: string, end: Effect.Effect<number, string>) =>
              Effect.andThen(visit.compensate(journal.note(`undo ${name}`)), end)
            const fiber = yield* Effect.forkChild(
              FirstWins.run(
                "m",
                (visit: Visit<number>) => {
                  handle = visit
                  return {
                    failed: branch(visit, "failed", failing(10, "no")),
                    cancelled: branch(visit, "cancelled", Effect.never),
                    winner: after(50, 1)
                  }
                },
                { ...quiet, onFailure: "fail-branch" }
              )
            )
            yield* TestClock.adjust(20)
            yield* handle!.cancel("cancelled", ann)
            expect(journal.lines).toEqual(["10 undo failed", "20 undo cancelled"])
            yield* TestClock.adjust(30)
            expect(undoneOf((yield* Fiber.join(fiber)).undone)).toEqual(["failed/step 1", "cancelled/step 1"])
          })
        )
    )

    it.effect("when the visit fails or is cancelled nothing is undone, unless asked for", () =>
      leakChecked(
        Effect.gen(function* () {
          expect([
            yield* ending("fails", "losers"),
            yield* ending("cancelled", "losers"),
            yield* ending("fails", "always"),
            yield* ending("cancelled", "always")
          ]).toEqual(["", "", "undo one,undo two", "undo one,undo two"])
        })
      )
    )

    it.effect("without a report a hook's failure is on the outcome of the task around (K16)", () =>
      leakChecked(
        Effect.gen(function* () {
          const lines: Array<string> = []
          const task = yield* started(
            logged(
              FirstWins.run(
                "m",
                (visit: Visit<number>) => ({
                  one: Effect.andThen(visit.compensate(Effect.fail("stuck")), Effect.never)
                }),
                { ...quiet, undo: "always" }
              ),
              lines
            )
          )
          yield* Task.cancel(task, ann)
          expect(cleanupOf((yield* Task.await(task)).cleanupFailures)).toBe("; clean-up of one: Fail:stuck")
          expect(lines).toEqual(['Warn Undoing "step 1" of the path "one" failed: Fail:stuck'])
        })
      )
    )

    it.effect("for an arrival from outside the branch of that path has won: its steps stay", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let handle: Visit<number, "email"> | undefined
          const fiber = yield* Effect.forkChild(
            FirstWins.run(
              "m",
              (visit: Visit<number, "email">) => {
                handle = visit
                const branch = (name: string) =>
                  Effect.andThen(visit.compensate(journal.note(`undo ${name}`)), Effect.never)
                return { email: branch("email"), manual: branch("manual") }
              },
              quiet
            )
          )
          yield* settle
          yield* handle!.arrive("email", 1)
          yield* Fiber.join(fiber)
          expect(journal.lines).toEqual(["0 undo manual"])
        })
      )
    )

    it.effect("a hook that is registered in clean-up runs as well; outside of a branch it is a defect", () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          let handle: Visit<number> | undefined
          const report = yield* during(
            10,
            FirstWins.run(
              "m",
              (visit: Visit<number>) => {
                handle = visit
                return {
                  inFinalizer: Effect.andThen(
                    Effect.addFinalizer(() => visit.compensate(journal.note("undo 1"))),
                    Effect.never
                  ),
                  inHook: Effect.andThen(
                    visit.compensate(Effect.andThen(visit.compensate(journal.note("undo 3")), journal.note("undo 2"))),
                    Effect.never
                  ),
                  winner: after(10, 1)
                }
              },
              quiet
            ).pipe(Effect.scoped)
          )
          expect(journal.lines.toSorted()).toEqual(["10 undo 1", "10 undo 2", "10 undo 3"])
          expect(report.undone).toHaveLength(3)
          expect(failureOf(yield* Effect.exit(handle!.compensate(Effect.void)))).toBe(
            'Die:Only a branch of the merge "m" has steps to undo: call it inside one'
          )
        })
      )
    )
  })
})
