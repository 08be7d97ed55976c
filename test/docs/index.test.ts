/** The index of the documentation, docs/README.md, has every page and nothing else; README.md links to what exists. */
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

describe("README.md", () => {
  it("links to files that exist", () => {
    const root = path.dirname(folder)
    const readme = fs.readFileSync(path.join(root, "README.md"), "utf8")
    const files = Array.from(readme.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g), ([, file]) => file!)
    expect(files.length).toBeGreaterThan(2)
    expect(files.filter((file) => !fs.existsSync(path.join(root, file)))).toEqual([])
  })
})
