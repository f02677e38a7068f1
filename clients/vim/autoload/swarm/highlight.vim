" SPDX-License-Identifier: MIT
" The highlight groups, all of them links by default. swarm#highlight#define() makes them; buffers are
" made with it.

" Vim has no groups for diagnostics.
let s:groups = {
      \ 'SwarmTitle': 'Title', 'SwarmHeading': 'Title', 'SwarmDim': 'Comment', 'SwarmKey': 'Special',
      \ 'SwarmActive': has('nvim') ? 'DiagnosticInfo' : 'Identifier',
      \ 'SwarmWaiting': has('nvim') ? 'DiagnosticWarn' : 'WarningMsg',
      \ 'SwarmDone': 'String',
      \ 'SwarmFailed': has('nvim') ? 'DiagnosticError' : 'ErrorMsg',
      \ 'SwarmUser': 'Statement', 'SwarmReasoning': 'Comment', 'SwarmTool': 'Function', 'SwarmOutput': 'NonText',
      \ 'SwarmAdded': 'DiffAdd', 'SwarmRemoved': 'DiffDelete', 'SwarmCode': 'Constant', 'SwarmLink': 'Underlined',
      \ 'SwarmHunk': 'Special',
      \ 'SwarmBar': 'String', 'SwarmBarFull': 'WarningMsg', 'SwarmMarked': 'Visual',
      \ }

function! swarm#highlight#define() abort
  for [name, link] in items(s:groups)
    execute 'highlight default link' name link
  endfor
  highlight default SwarmBold term=bold cterm=bold gui=bold
  highlight default SwarmItalic term=italic cterm=italic gui=italic
endfunction

" A colour scheme that is chosen later clears them.
augroup swarm_highlight
  autocmd!
  autocmd ColorScheme * call swarm#highlight#define()
augroup END
call swarm#highlight#define()
