/**
 * The pages of the rules, and all other documentation, under the preset: what a page of a rule shows as bad is found by
 * that rule, what any page shows as a program is clean.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import plugin from "../../lint/index.ts"
import { type Found, oxlinted } from "./oxlinted.ts"

const root = path.resolve(import.meta.dirname, "../..")
const folder = path.join(root, ".tmp/lint-pages")
const rules = Object.keys(plugin.rules)
const read = (page: string): string => fs.readFileSync(path.join(root, page), "utf8")

/** The fences of a page by the names of their files, which end in their line. */
const fences = (page: string, language: string): ReadonlyArray<readonly [string, string]> =>
  [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map((match) => {
    const line = match.input.slice(0, match.index).split("\n").length
    return [`${page.replaceAll(/[^\w]/g, "-")}-${language}-${line}.ts`, match[1]!]
  })

/** Pages that show a fault on purpose, and which. */
const onPurpose: { readonly [page: string]: ReadonlyArray<string> } = {
  "docs/how-do-i-find-a-leak-in-a-test.md": ["no-detached-fork"],
  "docs/how-do-i-test-my-own-combinator.md": ["no-detached-fork"],
  "docs/how-do-i-throw-random-task-trees-at-my-own-combinator.md": ["no-detached-fork"],
  "docs/what-the-checkers-cannot-see.md": ["pass-the-signal", "no-timer-sleep"]
}

const pages = ["README.md", ...fs.globSync("docs/**/*.md", { cwd: root })]
const good = new Map(pages.flatMap((page) => fences(page, "ts")))
const badOf = new Map(rules.map((rule) => [rule, fences(`docs/lint/${rule}.md`, "typescript")]))

let found: Found
beforeAll(() => {
  found = oxlinted(folder, new Map([...good, ...Array.from(badOf.values()).flat()]))
})
afterAll(() => fs.rmSync(folder, { recursive: true }))

describe("S3-52: the pages of the rules", () => {
  it("are there for each rule, and for no other", () => {
    const names = fs.globSync("*.md", { cwd: path.join(root, "docs/lint") }).map((name) => path.basename(name, ".md"))
    expect(names.toSorted()).toEqual(rules.toSorted())
  })

  it.each(rules)("%s: what is bad is found, by that rule", (rule) => {
    const bad = badOf.get(rule)!
    expect(bad.length).toBeGreaterThan(0)
    for (const [name] of bad) expect(found.get(name)?.join()).toMatch(new RegExp(`rescind/${rule}: `))
    expect(read(`docs/lint/${rule}.md`)).toMatch(/^```ts$/m)
  })

  it("each is linked from the page that answers how, and knows the rule's options", () => {
    const how = read("docs/how-do-i-keep-uncancellable-code-out.md")
    for (const [rule, { meta }] of Object.entries(plugin.rules)) {
      expect(how).toContain(`| [${rule}](lint/${rule}.md) |`)
      const [schema] = (meta.schema ?? []) as ReadonlyArray<{ readonly properties: object }>
      for (const option of Object.keys(schema?.properties ?? {})) {
        expect([rule, option, read(`docs/lint/${rule}.md`).includes(`"${option}"`)]).toEqual([rule, option, true])
      }
    }
  })
})

describe("documentation", () => {
  it("shows no program that the preset finds fault with", () => {
    expect(good.size).toBeGreaterThan(40)
    const faults = pages.map((page) => {
      const places = fences(page, "ts").flatMap(([name]) => found.get(name) ?? [])
      const isMeant = (place: string): boolean => (onPurpose[page] ?? []).some((rule) => place.includes(`/${rule}: `))
      return [page, places.filter((place) => !isMeant(place))] as const
    })
    expect(faults.filter(([, places]) => places.length > 0)).toEqual([])
  })
})
