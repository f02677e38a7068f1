" SPDX-License-Identifier: MIT
" Patches in git's format: from text to files and hunks, the other way round to the old text of a
" file, and how their lines look. Pure.
"
" A file is {path, old, lines, hunks}: `lines` are those before its first hunk; a hunk is {oldStart,
" oldLines, newStart, newLines, title, lines}, `lines` with their first characters.

let s:HUNK = '\v^\@\@ -(\d+)%(,(\d+))? \+(\d+)%(,(\d+))? \@\@ ?(.*)$'

function! s:count(text) abort
  return a:text ==# '' ? 1 : str2nr(a:text)
endfunction

function! s:hunk(line) abort
  let parts = matchlist(a:line, s:HUNK)
  return {'oldStart': str2nr(parts[1]), 'oldLines': s:count(parts[2]), 'newStart': str2nr(parts[3]),
        \ 'newLines': s:count(parts[4]), 'title': parts[5], 'lines': []}
endfunction

" Of `--- a/x` or `+++ b/x`; git quotes what is not plain.
function! s:name(line) abort
  let name = substitute(a:line[4:], '\t.*$', '', '')
  if name[0] ==# '"'
    let name = s:unquoted(name)
  endif
  return name ==# '/dev/null' ? '' : name[2:]
endfunction

function! s:unquoted(name) abort
  let text = a:name[1:-2]
  let plain = {'n': "\n", 't': "\t", 'r': "\r", '"': '"', '\': '\'}
  let result = ''
  while text !=# ''
    if text[0] !=# '\'
      let [result, text] = [result . text[0], text[1:]]
    elseif text =~# '^\\\o\o\o'
      let [result, text] = [result . eval('"\x' . printf('%02x', str2nr(text[1:3], 8)) . '"'), text[4:]]
    else
      let [result, text] = [result . get(plain, text[1], text[1]), text[2:]]
    endif
  endwhile
  return result
endfunction

" How many lines of each side a hunk still lacks tell a `--- x` that was removed from a head.
function! s:in_hunk(left) abort
  return a:left[0] > 0 || a:left[1] > 0
endfunction

function! s:take_line(file, left, line) abort
  let hunk = a:file.hunks[-1]
  call add(hunk.lines, a:line)
  let a:left[0] -= a:line[0] !=# '+' && a:line[0] !=# '\'
  let a:left[1] -= a:line[0] !=# '-' && a:line[0] !=# '\'
endfunction

function! swarm#review#patch#parse(patch) abort
  let files = []
  let left = [0, 0]
  for line in split(a:patch, "\n", 1)
    if !empty(files) && !empty(files[-1].hunks) && (s:in_hunk(left) || line[0] ==# '\')
      call s:take_line(files[-1], left, line)
    elseif line =~# '^diff --git ' || (line =~# '^--- ' && (empty(files) || !empty(files[-1].hunks)))
      call add(files, {'path': '', 'old': '', 'lines': [line], 'hunks': []})
      if line =~# '^--- '
        let files[-1].old = s:name(line)
      endif
    elseif empty(files) || line ==# ''
      continue
    elseif line =~# s:HUNK
      call add(files[-1].hunks, s:hunk(line))
      let left = [files[-1].hunks[-1].oldLines, files[-1].hunks[-1].newLines]
    else
      call s:take_head(files[-1], line)
    endif
  endfor
  return files
endfunction

function! s:take_head(file, line) abort
  call add(a:file.lines, a:line)
  if a:line =~# '^--- '
    let a:file.old = s:name(a:line)
  elseif a:line =~# '^+++ '
    let a:file.path = s:name(a:line)
  elseif a:line =~# '^rename from '
    let a:file.old = a:line[12:]
  elseif a:line =~# '^rename to '
    let a:file.path = a:line[10:]
  endif
endfunction

function! swarm#review#patch#title(hunk) abort
  return printf('@@ -%d,%d +%d,%d @@%s', a:hunk.oldStart, a:hunk.oldLines, a:hunk.newStart,
        \ a:hunk.newLines, a:hunk.title ==# '' ? '' : ' ' . a:hunk.title)
endfunction

" The highlight group of a line of a patch; '' for none.
function! swarm#review#patch#group(line) abort
  if a:line[0] ==# '+'
    return a:line[:3] ==# '+++ ' ? 'SwarmDim' : 'SwarmAdded'
  elseif a:line[0] ==# '-'
    return a:line[:3] ==# '--- ' ? 'SwarmDim' : 'SwarmRemoved'
  elseif a:line[:2] ==# '@@ '
    return 'SwarmHunk'
  endif
  return a:line =~# '^\%(diff --git\|index \|\\\|similarity\|rename\|new file\|deleted\)' ? 'SwarmDim' : ''
endfunction

" A patch as lines with spans, behind an indent.
function! swarm#review#patch#lines(lines, indent) abort
  let marked = []
  for line in a:lines
    let group = swarm#review#patch#group(line)
    let text = a:indent . line
    call add(marked, group ==# '' ? text :
          \ {'text': text, 'spans': [[strlen(a:indent), strlen(line), group]]})
  endfor
  return marked
endfunction

" The line of the new file (from 1) that a line of a hunk (an index of its lines) is, or that stands
" where it was.
function! swarm#review#patch#new_line(hunk, index) abort
  let line = a:hunk.newStart + (a:hunk.newLines == 0)
  for at in range(0, a:index - 1)
    let line += a:hunk.lines[at][0] !=# '-' && a:hunk.lines[at][0] !=# '\'
  endfor
  return max([1, line])
endfunction

" The old text of a file whose new text these lines are: a list of lines; or {} when the hunks are
" not those of this text (somebody has changed it since).
function! swarm#review#patch#reverse(lines, hunks) abort
  let old = []
  let at = 0 " lines of the new text that are done
  for hunk in a:hunks
    let start = hunk.newLines == 0 ? hunk.newStart : hunk.newStart - 1
    if start < at || start > len(a:lines)
      return {}
    endif
    let old += start > at ? a:lines[at : start - 1] : []
    let at = start
    for line in hunk.lines
      if line[0] ==# '-'
        call add(old, line[1:])
      elseif line[0] !=# '\'
        if at >= len(a:lines) || a:lines[at] !=# line[1:]
          return {}
        endif
        let at += 1
        if line[0] !=# '+'
          call add(old, line[1:])
        endif
      endif
    endfor
  endfor
  return {'lines': old + a:lines[at :]}
endfunction
