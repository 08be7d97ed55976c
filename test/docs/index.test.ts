/**
 * The index of the documentation, docs/README.md, has every page and nothing else; every link of a page leads to a file.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { describe, expect, it } from "vitest"

const folder = path.resolve(import.meta.dirname, "../../docs")
const index = fs.readFileSync(path.join(folder, "README.md"), "utf8")
const links = Array.from(index.matchAll(/^- \[(.*)\]\((.*)\)$/gm), ([, title, page]) => ({ title, page: page! }))
const pages = fs
  .globSync("**/*.md", { cwd: folder })
  .map((page) => page.replaceAll(path.sep, "/"))
  .filter((page) => page !== "README.md")

describe("docs/README.md", () => {
  it("has every page once, and no page that does not exist", () => {
    expect(links.map(({ page }) => page).toSorted()).toEqual(pages.toSorted())
  })

  it("calls each page by its own heading", () => {
    const headings = new Map(
      pages.map((page) => [page, /^# (.*)$/m.exec(fs.readFileSync(path.join(folder, page), "utf8"))?.[1]])
    )
    for (const { page, title } of links) expect([page, title]).toEqual([page, headings.get(page)])
  })

  it("links nowhere but to pages", () => {
    expect(index.split("](").length - 1).toBe(links.length)
  })
})

const root = path.dirname(folder)
const linksOf = (file: string): ReadonlyArray<string> => {
  const text = fs.readFileSync(path.join(root, file), "utf8")
  return Array.from(text.matchAll(/\]\((?!https?:)([^)#\s]+)[^)\s]*\)/g), ([, link]) =>
    path.posix.join(path.posix.dirname(file), link!)
  )
}

describe("links", () => {
  const files = ["README.md", "CONTRIBUTING.md", "AGENTS.md", ".github/pull_request_template.md"]
  it.each([...files, ...fs.globSync("docs/**/*.md", { cwd: root })])("%s links to files that exist", (file) => {
    expect(linksOf(file).filter((link) => !fs.existsSync(path.join(root, link)))).toEqual([])
  })

  it("S3-59: the page of the pattern is linked from onboarding, the contributing guide and the checklist", () => {
    const page = "docs/how-do-i-keep-uncancellable-code-out.md"
    const decision = "docs/adr/0001-every-step-is-cancellable.md"
    expect(linksOf("README.md").length).toBeGreaterThan(2)
    expect(linksOf("README.md")).toContain(page)
    expect(fs.readFileSync(path.join(root, "AGENTS.md"), "utf8")).toContain(page)
    for (const file of ["CONTRIBUTING.md", ".github/pull_request_template.md"]) {
      expect(linksOf(file)).toEqual(expect.arrayContaining([page, decision]))
    }
    expect(linksOf(page)).toContain(decision)
    expect(linksOf(decision)).toContain(page)
  })
})

describe("S3-04, S3-58, S3-69, S3-73: the decision that all steps can be cancelled", () => {
  it("is accepted and mandatory, with its context, decision and consequences", () => {
    const text = fs.readFileSync(path.join(folder, "adr/0001-every-step-is-cancellable.md"), "utf8")
    expect(text).toMatch(/^- \*\*Status\*\*: accepted, mandatory/m)
    expect(Array.from(text.matchAll(/^## (.*)$/gm), ([, heading]) => heading)).toEqual([
      "Context",
      "Decision",
      "Consequences"
    ])
  })
})
