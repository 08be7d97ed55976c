/**
 * The three gateways of a playbook on the combinators: parallel (AND) is
 * `Join.all`, inclusive (first wins) is `FirstWins`, exclusive is plain code. Each
 * of them under every order in which its branches can arrive.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FirstWins from "../../src/combinators/FirstWins.ts"
import * as Join from "../../src/combinators/Join.ts"
import { Journal } from "../support/journal.ts"
import { leakChecked } from "../support/leaks.ts"
import { after, during, failing, failureOf } from "./telling.ts"

const paths = ["a", "b", "c"] as const
type Path = (typeof paths)[number]

/** Every order of the three paths. */
const orders: ReadonlyArray<ReadonlyArray<Path>> = paths.flatMap((first) =>
  paths
    .filter((path) => path !== first)
    .map((second) => [first, second, paths.find((p) => p !== first && p !== second)!])
)

/** Three branches, each of which arrives at 10, 20 or 30 by its place in the order, and writes what became of it. */
const branchesOf = (journal: Journal, order: ReadonlyArray<Path>) => {
  const branch = (path: Path) => journal.watch(path, after(10 * (order.indexOf(path) + 1), path))
  return { a: branch("a"), b: branch("b"), c: branch("c") }
}

interface Row {
  readonly gateway: string
  readonly run: (journal: Journal, order: ReadonlyArray<Path>) => Effect.Effect<unknown, unknown>
  /** What goes on, and the lines of the journal, for an order. */
  readonly goesOn: (order: ReadonlyArray<Path>) => string
  readonly lines: (order: ReadonlyArray<Path>) => ReadonlyArray<string>
}

const table: ReadonlyArray<Row> = [
  {
    gateway: "parallel: waits for all",
    run: (journal, order) => Effect.map(Join.all(branchesOf(journal, order)), ({ a, b, c }) => `${a}${b}${c}`),
    goesOn: () => "30 abc",
    lines: (order) => order.map((path, index) => `${10 * (index + 1)} ${path}: done`)
  },
  {
    gateway: "inclusive: the first passes, the others truly stop",
    run: (journal, order) =>
      Effect.map(
        FirstWins.run("merge", () => branchesOf(journal, order), { logLevel: "None" }),
        ({ value }) => value
      ),
    goesOn: ([first]) => `10 ${first}`,
    lines: ([first, ...others]) => [
      `10 ${first}: done`,
      ...others.map((path) => `10 ${path}: lost-race by ${first} of merge`).toSorted()
    ]
  },
  {
    gateway: "exclusive: takes one, the others never begin",
    run: (journal, order) => branchesOf(journal, order)[order[1]!],
    goesOn: ([, taken]) => `20 ${taken}`,
    lines: ([, taken]) => [`20 ${taken}: done`]
  }
]

describe("gateways", () => {
  for (const { gateway, goesOn, lines, run } of table) {
    for (const order of orders) {
      it.effect(`${gateway}, for ${order.join()} (S0-59, S0-61, S0-92)`, () =>
        leakChecked(
          Effect.gen(function* () {
            const journal = new Journal()
            yield* during(
              100,
              Effect.flatMap(run(journal, order), (value) => journal.note(`goes on: ${String(value)}`))
            )
            const at = journal.lines.findIndex((line) => line.includes("goes on"))
            expect(journal.lines[at]?.replace("goes on: ", "")).toBe(goesOn(order))
            const [first, ...rest] = journal.lines.toSpliced(at, 1)
            expect([first, ...rest.toSorted()]).toEqual(lines(order))
          })
        )
      )
    }
  }

  for (const dead of paths) {
    it.effect(`a parallel join whose branch ${dead} died fails at once, and names it to the others (S0x-28)`, () =>
      leakChecked(
        Effect.gen(function* () {
          const journal = new Journal()
          const branch = (path: Path) =>
            journal.watch(path, path === dead ? failing(5, `${path} is dead`) : Effect.never)
          const exit = yield* during(
            5,
            Effect.exit(Join.all({ a: branch("a"), b: branch("b"), c: branch("c") }, { name: "and" }))
          )
          expect(failureOf(exit)).toBe(`Fail:${dead} is dead`)
          expect(journal.lines.toSorted()).toEqual(
            paths.map((path) => `5 ${path}: ${path === dead ? "failed" : `sibling-failed by ${dead} of and`}`)
          )
        })
      )
    )
  }
})
