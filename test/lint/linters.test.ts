/**
 * The plugin as users run it: the real oxlint and the real ESLint 10, each over all fixtures at once with the whole
 * preset, find the same, place by place. ESLint reads the types with Babel's parser, as that of typescript-eslint does
 * not take TypeScript 7.
 */
import * as babel from "@babel/eslint-parser"
import { ESLint, type Linter } from "eslint"
import * as fs from "node:fs"
import * as path from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import plugin from "../../lint/index.ts"
import { all } from "./fixtures/all.ts"
import type { Case } from "./fixtures/cases.ts"
import { add, type Found, oxlinted, sorted } from "./oxlinted.ts"

const root = path.resolve(import.meta.dirname, "../..")
const folder = path.join(root, ".tmp/linters")

interface File {
  readonly name: string
  readonly rule: string
  readonly fixture: Case
  /** How often the rule of the fixture is to report. */
  readonly count: number
}

const files: ReadonlyArray<File> = all.flatMap(({ invalid, rule, valid }) => [
  ...valid.map((fixture, index) => ({ name: `${rule}.valid.${index}.ts`, rule, fixture, count: 0 })),
  ...invalid.map((fixture, index) => ({
    name: `${rule}.invalid.${index}.ts`,
    rule,
    fixture,
    count: fixture.reports.length
  }))
])

const withOptions = files.flatMap(({ fixture, name, rule }) =>
  fixture.options === undefined
    ? []
    : [{ files: [name], rules: { [`rescind/${rule}`]: ["error", fixture.options] as ["error", object] } }]
)

const inESLint = async (): Promise<Found> => {
  const languageOptions: Linter.LanguageOptions = {
    parser: babel as Linter.Parser,
    parserOptions: { requireConfigFile: false, babelOptions: { parserOpts: { plugins: ["typescript"] } } }
  }
  const eslint = new ESLint({
    cwd: folder,
    overrideConfigFile: true,
    overrideConfig: [{ files: ["*.ts"], languageOptions }, plugin.configs.recommended, ...withOptions]
  })
  const found = new Map<string, Array<string>>()
  for (const { filePath, messages } of await eslint.lintFiles("*.ts")) {
    for (const { column, line, message, ruleId } of messages) {
      add(found, path.basename(filePath), `${line}:${column} ${ruleId}: ${message}`)
    }
  }
  return sorted(found)
}

let oxlint: Found
let eslint: Found

beforeAll(async () => {
  oxlint = oxlinted(folder, new Map(files.map(({ fixture, name }) => [name, fixture.code])), withOptions)
  eslint = await inESLint()
})

afterAll(() => fs.rmSync(folder, { recursive: true }))

describe("linters", () => {
  it("oxlint and ESLint 10 find the same in every fixture, at the same places, with the same words", () => {
    expect(oxlint.size).toBeGreaterThan(80)
    expect(Array.from(eslint.keys()).toSorted()).toEqual(Array.from(oxlint.keys()).toSorted())
    for (const [file, places] of oxlint) expect([file, eslint.get(file)]).toEqual([file, places])
  })

  it("the preset finds each sin, and nothing by that rule in what is valid", () => {
    const counts = files.map(({ fixture, name, rule }) => {
      const places = oxlint.get(name) ?? []
      return [rule, fixture.title, places.filter((place) => place.includes(` rescind/${rule}: `)).length]
    })
    expect(counts).toEqual(files.map(({ count, fixture, rule }) => [rule, fixture.title, count]))
  })
})

describe("S3-51, S3-72, S3-73: the preset", () => {
  const rules = plugin.configs.recommended.rules

  it("has every rule as an error, for oxlint in a file of the package", () => {
    expect(Object.keys(rules)).toEqual(Object.keys(plugin.rules).map((name) => `rescind/${name}`))
    const file = JSON.parse(fs.readFileSync(path.join(root, "lint/recommended.json"), "utf8")) as object
    expect(file).toEqual({ jsPlugins: ["../dist/lint/index.js"], rules })
  })

  it("is what this repository is linted with", () => {
    const config = fs.readFileSync(path.join(root, ".oxlintrc.json"), "utf8").replaceAll(/^\s*\/\/.*$/gm, "")
    const { rules: own } = JSON.parse(config) as { readonly rules: Record<string, string> }
    expect(Object.fromEntries(Object.entries(own).filter(([name]) => name.startsWith("rescind/")))).toEqual(rules)
    const { scripts } = JSON.parse(fs.readFileSync(path.join(root, "package.json"), "utf8")) as {
      readonly scripts: Record<string, string>
    }
    expect(scripts["check"]).toContain("npm run lint")
    expect(fs.readFileSync(path.join(root, ".ci/run"), "utf8")).toContain("npm run check")
  })

  it("says in each message what to write instead, by the name of a function", () => {
    for (const [name, { meta }] of Object.entries(plugin.rules)) {
      for (const [id, message] of Object.entries(meta.messages)) {
        const isSuggestion = ["take", "hand", "replace"].includes(id)
        expect([name, id, isSuggestion || /`[^`]+`|\{\{instead\}\}/.test(message)]).toEqual([name, id, true])
      }
    }
  })
})
