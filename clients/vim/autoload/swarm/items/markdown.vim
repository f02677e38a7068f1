" SPDX-License-Identifier: MIT
" The Markdown that is worth a colour in running text, a line at a time: the marks stay in the text,
" so that what is copied is what was said.

let s:INLINE = '\v`[^`]+`|\*\*[^* ][^*]*\*\*|<https?://[^ )>\]]+|\[[^\]]+\]\([^) ]+\)|_[^_ ][^_]*_>|\*[^* ][^*]*\*'

function! s:group(found) abort
  if a:found[0] ==# '`'
    return 'SwarmCode'
  elseif a:found[:1] ==# '**'
    return 'SwarmBold'
  elseif a:found[0] ==# '*' || a:found[0] ==# '_'
    return 'SwarmItalic'
  endif
  return 'SwarmLink'
endfunction

function! s:inline(text, spans) abort
  let from = 0
  while 1
    let [found, start, end] = matchstrpos(a:text, s:INLINE, from)
    if start < 0
      return
    endif
    call add(a:spans, [start, end - start, s:group(found)])
    let from = end
  endwhile
endfunction

" The spans of one line and whether a fence is open behind it. fenced: whether one is before it.
function! swarm#items#markdown#line(text, fenced) abort
  if a:text =~# '^\s*```'
    return [[[0, strlen(a:text), 'SwarmDim']], !a:fenced]
  elseif a:fenced
    return [a:text ==# '' ? [] : [[0, strlen(a:text), 'SwarmCode']], 1]
  elseif a:text =~# '^#\+ '
    return [[[0, strlen(a:text), 'SwarmHeading']], 0]
  elseif a:text !~# '[`*_:>[]\|^\s*[-+0-9]'
    return [[], 0]
  endif
  let spans = []
  let bullet = matchend(a:text, '^\s*\%([-+*]\|\d\+[.)]\|>\)\ze\s')
  if bullet > 0
    call add(spans, [bullet - strlen(trim(a:text[: bullet - 1])), strlen(trim(a:text[: bullet - 1])), 'SwarmKey'])
  endif
  call s:inline(a:text, spans)
  return [spans, 0]
endfunction

" Lines (strings) as lines with spans, from a state of fences on. Returns [lines, fenced].
function! swarm#items#markdown#lines(lines, fenced) abort
  let marked = []
  let fenced = a:fenced
  for text in a:lines
    let [spans, fenced] = swarm#items#markdown#line(text, fenced)
    call add(marked, empty(spans) ? text : {'text': text, 'spans': spans})
  endfor
  return [marked, fenced]
endfunction
