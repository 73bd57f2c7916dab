/**
 * Says what a vitest JSON report holds: every skipped and failed test by name, then one line of
 * counts for the script that called: `passed failed skipped`.
 *
 *   node scripts/test-report.mjs REPORT.json EXIT_CODE
 */
import { readFileSync } from 'node:fs'

const [path, exitCode] = process.argv.slice(2)
const counts = { passed: 0, failed: 0, skipped: 0 }
try {
  const report = JSON.parse(readFileSync(path, 'utf8'))
  for (const file of report.testResults) {
    // A file that could not even be loaded holds no tests, and must not pass for an empty one.
    if (file.status === 'failed' && file.assertionResults.length === 0) {
      counts.failed += 1
      process.stderr.write(`FAILED   ${file.name}: ${file.message}\n`)
    }
    for (const { status, fullName } of file.assertionResults) {
      if (status === 'passed') counts.passed += 1
      else if (status === 'failed') {
        counts.failed += 1
        process.stderr.write(`FAILED   ${fullName}\n`)
      } else {
        counts.skipped += 1
        process.stderr.write(`SKIPPED  ${fullName}\n`)
      }
    }
  }
} catch (error) {
  process.stderr.write(`no test report: ${error.message}\n`)
}
// An unhandled error ends the run with every test passed.
if (exitCode !== '0' && counts.failed === 0) counts.failed = 1
process.stdout.write(`${counts.passed} ${counts.failed} ${counts.skipped}\n`)
