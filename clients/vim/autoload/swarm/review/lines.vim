" SPDX-License-Identifier: MIT
" A change as the lines of the review buffer: from what swarm/diff says to text, nothing else.
"
" Each line has, beside text and spans, `file` (an index) and, where it belongs to one, `hunk` (an
" index), `at` (the index in the hunk's lines).
scriptencoding utf-8

let s:text = function('swarm#items#text#of')
let s:painted = function('swarm#items#text#painted')

let s:KEYS = ' a accept  x reject  C comment  d diff  m merge  <CR> open  u undo  g? all keys'

let s:omitted = {'large': 'too large to be shown here', 'limit': 'left out: the change is too large'}

" The files of a result of swarm/diff, each with its hunks' hashes and lines: {path, old, status,
" added, removed, binary, omitted, hunks: [{..., hash}]}.
function! swarm#review#lines#files(result) abort
  let parsed = {}
  for file in swarm#review#patch#parse(s:text(a:result, 'patch'))
    let parsed[file.path !=# '' ? file.path : file.old] = file.hunks
  endfor
  let files = []
  for file in a:result.files
    let hunks = get(parsed, file.path, [])
    for index in range(len(hunks))
      let known = get(swarm#items#text#list(file, 'hunks'), index, {})
      let hunks[index].hash = s:text(known, 'hash')
    endfor
    call add(files, extend(copy(file), {'hunks': hunks}))
  endfor
  return files
endfunction

function! s:counts(added, removed) abort
  return printf('+%d -%d', a:added, a:removed)
endfunction

function! s:head(review, agent) abort
  let change = a:review.result.changes
  let title = ' Review  ' . swarm#state#name(a:agent)
  let rest = printf(' · %s · %s', swarm#util#plural(change.files, 'file'), s:counts(change.added, change.removed))
  let hunks = 0
  let accepted = 0
  for file in a:review.files
    let hunks += len(file.hunks)
    let accepted += len(filter(copy(file.hunks), 'has_key(a:review.accepted, v:val.hash)'))
  endfor
  let rest .= accepted > 0 ? printf(' · %d of %d hunks accepted', accepted, hunks) : ''
  let lines = [{'text': title . rest, 'spans': [[1, 6, 'SwarmTitle']]}, s:painted(s:KEYS, 'SwarmDim')]
  if get(a:review.result, 'truncated')
    call add(lines, s:painted(' The change is too large to be shown whole.', 'SwarmWaiting'))
  endif
  return lines
endfunction

function! s:file_line(file, index, review) abort
  let all = !empty(a:file.hunks) && empty(filter(copy(a:file.hunks), '!has_key(a:review.accepted, v:val.hash)'))
  let sign = all ? '✓' : ' '
  let old = s:text(a:file, 'oldPath')
  let path = swarm#util#one_line((old ==# '' || old ==# a:file.path ? '' : old . ' → ') . a:file.path)
  let note = get(a:file, 'binary') ? 'binary' : has_key(a:file, 'omitted') ? s:omitted[a:file.omitted]
        \ : s:counts(a:file.added, a:file.removed)
  let text = printf('%s %s  %s  %s', sign, path, a:file.status, note)
  let start = strlen(sign) + 1
  return {'text': text, 'file': a:index, 'spans': [[0, strlen(sign), 'SwarmDone'],
        \ [start, strlen(path), 'SwarmHeading'], [start + strlen(path), strlen(text) - start - strlen(path), 'SwarmDim']]}
endfunction

function! s:hunk_lines(hunk, place, review) abort
  let accepted = has_key(a:review.accepted, a:hunk.hash)
  let title = swarm#review#patch#title(a:hunk) . (accepted ? '  ✓ accepted' : '')
  let lines = [extend(s:painted(title, accepted ? 'SwarmDone' : 'SwarmHunk'), a:place)]
  let at = 0
  for text in a:hunk.lines
    let group = swarm#review#patch#group(text[0])
    let line = extend({'text': text, 'at': at, 'spans': group ==# '' ? [] : [[0, strlen(text), group]]}, a:place)
    call add(lines, line)
    let at += 1
  endfor
  for comment in get(a:review.comments, a:hunk.hash, [])
    call add(lines, extend(s:painted('» ' . swarm#util#one_line(comment), 'SwarmUser'), a:place))
  endfor
  return lines
endfunction

" review: {id, result, files, accepted: {hash: 1}, comments: {hash: [text]}}; agent: its snapshot.
function! swarm#review#lines#render(review, agent) abort
  let lines = s:head(a:review, a:agent)
  if empty(a:review.files)
    return lines + ['', ' Nothing is changed.']
  endif
  for index in range(len(a:review.files))
    let file = a:review.files[index]
    let lines += ['', s:file_line(file, index, a:review)]
    for at in range(len(file.hunks))
      let lines += s:hunk_lines(file.hunks[at], {'file': index, 'hunk': at}, a:review)
    endfor
  endfor
  return lines
endfunction

" For 'foldexpr': a file folds, and each of its hunks in it.
function! swarm#review#lines#fold(line) abort
  if type(a:line) != v:t_dict || !has_key(a:line, 'file')
    return 0
  elseif !has_key(a:line, 'hunk')
    return '>1'
  endif
  return has_key(a:line, 'at') || a:line.text[:2] !=# '@@ ' ? 2 : '>2'
endfunction

" What an agent is told of a comment: the place, the hunk, the words.
function! swarm#review#lines#message(file, hunk, at, comment) abort
  let place = a:file.path
  if !empty(a:hunk)
    let place .= ':' . swarm#review#patch#new_line(a:hunk, a:at)
    let fence = matchstr(join(a:hunk.lines, "\n"), '`\{3,}') . '```'
    let lines = [swarm#review#patch#title(a:hunk)] + a:hunk.lines
    return join(['About ' . place . ', in this part of your change:', '', fence . 'diff'] + lines + [fence, '', a:comment], "\n")
  endif
  return 'About your change of ' . place . ":\n\n" . a:comment
endfunction
