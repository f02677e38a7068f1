// SPDX-License-Identifier: MIT
// Runs @copilotkit/aimock with the fixtures that come on stdin as one line of JSON. Prints its URL;
// then, for each further line on stdin, the requests that it has seen, as one line of JSON. Ends
// with stdin. MODULES is the folder with node_modules.
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';
import path from 'node:path';

const require = createRequire(path.join(process.env.MODULES, 'package.json'));
const {LLMock} = require('@copilotkit/aimock');

let mock;
for await (const line of createInterface({input: process.stdin})) {
  if (mock) {
    console.log(JSON.stringify(mock.getRequests()));
    continue;
  }
  mock = new LLMock({port: 0, strict: true, chunkSize: 7});
  for (const fixture of JSON.parse(line)) {
    mock.addFixture(fixture);
  }
  await mock.start();
  console.log(mock.url);
}
await mock.stop();
